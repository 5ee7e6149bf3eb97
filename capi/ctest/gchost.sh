#!/bin/bash
# gchost.sh - the proof of the bet: five collecting hosts use the library for SECONDS each.
#
#   SECONDS=20 capi/ctest/gchost.sh [HOST…]     hosts: libgc-before libgc-after mono-boehm mono-sgen coreclr (default: all)
#   TLS=1                                       every request is https
#   CONTRAST=goexport|noguard                   provoke the crash that the border avoids; then a crash is what is expected
#   LOAD=before|after                           when the C# hosts load the library (default after: the harder case)
#
# A host has survived when it printed its success line; exit codes are not believed (Mono Boehm crashes with 0 at times).
set -u
duration=$SECONDS # bash counts on from what the environment said: read it first
[ "$duration" -gt 0 ] || duration=20
cd "$(dirname "$0")/../.." || exit 1
contrast=${CONTRAST:-}
load=${LOAD:-after}
out=build/out
work=$(mktemp -d)
server=

stop() {
    exec 9>&- 2>/dev/null
    if [ -n "$server" ]; then kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; fi
    rm -rf "$work"
    [ -z "$contrast" ] || rm -f mono_crash.* # what Mono leaves here when it dies
}
trap stop EXIT
trap 'exit 130' INT TERM

[ $# -gt 0 ] || set -- libgc-before libgc-after mono-boehm mono-sgen coreclr

# one server for all: it ends when descriptor 9 closes
mkfifo "$work/in"
"$out/testserver" <"$work/in" >"$work/server" &
server=$!
exec 9>"$work/in"
for _ in $(seq 100); do
    grep -q listening "$work/server" && break
    sleep 0.05
done
port=$(sed -n 's/^listening 127.0.0.1://p' "$work/server")
[ -n "$port" ] || { echo "gchost: no server"; exit 1; }

# C# finds the library by name: give it the variant that is wanted under that name
mkdir "$work/lib"
case $contrast in
noguard) library=$out/contrast/libturbohttp-noguard.so ;;
goexport) library=$out/contrast/libturbohttp-contrast.so ;;
*) library=$out/libturbohttp.so ;;
esac
ln -s "$PWD/$library" "$work/lib/libturbohttp.so"

extra=()
[ -n "$contrast" ] && extra=(--contrast "$contrast")
of=gchost # figures
if [ -n "${TLS:-}" ]; then
    fetch() { # PATH: its body; the server ends the connection
        exec 8<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' "$1" >&8
        sed '1,/^\r$/d' <&8
        exec 8>&-
    }
    fetch /tls/root.pem >"$work/root.pem"
    extra+=(--tls "$(fetch /tls/ports | sed 's/.*good \([0-9]*\).*/\1/')" --roots "$work/root.pem")
    of=gchost-tls
fi
failed=0
printf '%-14s %-9s %s\n' host verdict story
for host in "$@"; do
    log=$work/$host.log
    limit=$((duration + 60))
    case $host in
    libgc-before) timeout -k 5 $limit "$out/ctest/gchost" --load before --port "$port" --seconds "$duration" "${extra[@]}" >"$log" 2>&1 9>&- ;;
    libgc-after) timeout -k 5 $limit "$out/ctest/gchost" --load after --port "$port" --seconds "$duration" "${extra[@]}" >"$log" 2>&1 9>&- ;;
    *) LD_LIBRARY_PATH=$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} timeout -k 5 $limit build/run-cs.sh "$host" "$out/cs/gchost.exe" \
        --load "$load" --port "$port" --seconds "$duration" "${extra[@]}" >"$log" 2>&1 9>&- ;;
    esac
    code=$?
    line=$(grep -a '^gchost ok: ' "$log" | tail -1)
    if [ -n "$line" ]; then
        printf '%-14s %-9s %s\n' "$host" survived "${line#gchost ok: }"
        number() { sed -n "s/.* \([0-9]*\) $1.*/\1/p" <<<"$line"; }
        echo "figure $of.$host.requests $(number requests) requests"
        echo "figure $of.$host.collections $(number collections) collections"
    else
        printf '%-14s %-9s %s\n' "$host" died "exit $code: $(grep -av '^ *$' "$log" | tail -1 | cut -c1-150)"
        if [ -z "$contrast" ]; then
            failed=1
            sed 's/^/    | /' "$log" | tail -30
        fi
    fi
done
if [ -n "$contrast" ]; then
    echo "contrast $contrast: what died above is what the border avoids"
    exit 0
fi
[ $failed = 0 ] && echo "ok gchost"
exit $failed
