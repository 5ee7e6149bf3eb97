#!/bin/bash
# bench.sh - what a request costs, against others in the same run.
#
#   make bench ONLY=h1.c64      h1.c1, h1.c16, h1.c64: turbo-net, libcurl, wrk and a bare epoll client against one bare
#                               epoll server (.plain), or without the last against nginx with TLS (.tls), in interleaved
#                               rounds (A B C D A B C D); CPU time of the client's process
#   make bench ONLY=border      submit + poll in the host's thread
#   make bench ONLY=library     size and time to load
#   make bench ONLY=idle        1,000 connections that do nothing
#   make bench ONLY=cancel      from turbo_request_cancel to DONE in every phase; resolving only as root, who may show the
#                               program another /etc/resolv.conf and open port 53
#   ROUNDS=7 ROUND_SECONDS=1    how many rounds and how long each
#
# Prints "figure NAME VALUE UNIT". Medians of the rounds; ratios are medians of the paired rounds.
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
only=${ONLY:-}
rounds=${ROUNDS:-7}
each=${ROUND_SECONDS:-1}
wanted() { [ -z "$only" ] || [[ $1 == *"$only"* ]] || [[ $only == "$1".* ]]; }
ran=0

h1() { # CONNECTIONS plain|tls
    local n=$1 scene=h1.c$1.$2 r client line requests cpu p pair pairs a b url roots=()
    local clients=(turbo-net libcurl libcurl-epoll wrk)
    compile measure bench/peers/measure.c
    compile curl_multi bench/peers/curl_multi.c -lcurl
    host turbo_client bench/peers/turbo_client.c
    command -v wrk >/dev/null || die "wrk is not installed: make setup"
    if [ "$2" = tls ]; then
        nginx_start "$work/nginx-tls" tls
        url=https://127.0.0.1:$port/score roots=("$work/nginx-tls/cert.pem")
        pairs="turbo-net/libcurl turbo-net/libcurl-epoll turbo-net/wrk"
    else
        compile cepoll_server bench/peers/cepoll_server.c
        compile cepoll_client bench/peers/cepoll_client.c
        serve $out/bench/cepoll_server
        url=http://127.0.0.1:$port/bench
        clients+=(cepoll)
        pairs="turbo-net/libcurl turbo-net/libcurl-epoll turbo-net/wrk turbo-net/cepoll libcurl/cepoll"
    fi
    echo "$scene: $rounds rounds of $each s, CPU microseconds per request"
    for r in $(seq "$rounds"); do
        line="  round $r:"
        for client in "${clients[@]}"; do
            case $client in
            turbo-net) set -- $out/bench/turbo_client "$url" "$n" "$each" "${roots[@]}" ;;
            libcurl) set -- $out/bench/curl_multi "$url" "$n" "$each" poll "${roots[@]}" ;;
            libcurl-epoll) set -- $out/bench/curl_multi "$url" "$n" "$each" epoll "${roots[@]}" ;;
            wrk) set -- wrk -t1 -c"$n" -d"$each" --latency "$url" ;;
            cepoll) set -- $out/bench/cepoll_client "$port" "$n" "$each" ;;
            esac
            timeout $((each + 20)) $out/bench/measure "$@" >"$work/run" 2>&1 || die "$client failed: $(tail -3 "$work/run")"
            if [ "$client" = wrk ]; then
                requests=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' "$work/run")
                for p in 50 99; do # wrk says us, ms or s
                    sed -n "s/^ *$p% *//p" "$work/run" | awk '{ v = $1 + 0; if ($1 ~ /ms$/) v *= 1000; else if ($1 !~ /us$/) v *= 1e6; print v }' >>"$work/$scene.$client.p$p"
                done
            else
                requests=$(sed -n 's/^requests \([0-9]*\) .*/\1/p' "$work/run")
                sed -n 's/.* p50_us \([0-9.]*\).*/\1/p' "$work/run" >>"$work/$scene.$client.p50"
                sed -n 's/.* p99_us \([0-9.]*\).*/\1/p' "$work/run" >>"$work/$scene.$client.p99"
            fi
            cpu=$(sed -n 's/^cpu_us \([0-9]*\) .*/\1/p' "$work/run")
            [ "${requests:-0}" -gt 0 ] || die "$client did nothing: $(tail -3 "$work/run")"
            awk -v c="$cpu" -v r="$requests" 'BEGIN { printf "%.3f\n", c / r }' >>"$work/$scene.$client.cpu"
            awk -v r="$requests" -v s="$each" 'BEGIN { printf "%.0f\n", r / s }' >>"$work/$scene.$client.rps"
            line+=" $client $(tail -1 "$work/$scene.$client.cpu")"
        done
        echo "$line"
    done
    for client in "${clients[@]}"; do
        echo "figure bench.$scene.$client.cpu_us $(median <"$work/$scene.$client.cpu") us"
        echo "figure bench.$scene.$client.rps $(median <"$work/$scene.$client.rps") 1/s"
        echo "figure bench.$scene.$client.p50_us $(median <"$work/$scene.$client.p50") us"
        echo "figure bench.$scene.$client.p99_us $(median <"$work/$scene.$client.p99") us"
    done
    for pair in $pairs; do
        a=${pair%/*} b=${pair#*/}
        echo "figure ratio.$scene.$pair.cpu $(paste "$work/$scene.$a.cpu" "$work/$scene.$b.cpu" | awk '{ print $1 / $2 }' | median) x"
    done
    ran=1
}

for n in 1 16 64; do
    for kind in plain tls; do
        # without a pattern: only the scenarios that are promised
        if [ -z "$only" ]; then [ $n = 64 ] && h1 $n $kind; elif wanted h1.c$n.$kind; then h1 $n $kind; fi
    done
done
if wanted border; then
    compile cepoll_server bench/peers/cepoll_server.c
    host border bench/border.c
    serve $out/bench/cepoll_server
    timeout 60 $out/bench/border "$port" 8 || die "border failed"
    ran=1
fi
if wanted library; then
    compile ready bench/ready.c -ldl
    echo "figure library.bytes $(stat -c %s $out/libturbohttp.so) B"
    for _ in $(seq 20); do $out/bench/ready $out/libturbohttp.so || die "ready failed"; done >"$work/ready"
    echo "figure library.ready_ms $(cut -d' ' -f1 "$work/ready" | median) ms"
    ran=1
fi
if wanted idle; then
    host idle bench/idle.c
    ulimit -n 4096 2>/dev/null
    serve $out/testserver
    timeout 90 $out/bench/idle "$port" 1000 "${IDLE_SECONDS:-10}" || die "idle failed"
    testserver_tls
    timeout 90 $out/bench/idle --tls "$work/root.pem" "$port" 1000 "${IDLE_SECONDS:-10}" || die "idle over TLS failed"
    ran=1
fi
if wanted cancel; then
    host cancel bench/cancel.c
    serve $out/testserver
    plain=$port
    testserver_tls
    silent=$(sed 's/.*silent \([0-9]*\).*/\1/' "$work/ports")
    deaf=127.0.0.99
    echo "nameserver $deaf" >"$work/resolv.conf"
    # shellcheck disable=SC2016
    elsewhere=(unshare -m sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$work/resolv.conf")
    if "${elsewhere[@]}" true 2>/dev/null; then
        timeout 120 "${elsewhere[@]}" $out/bench/cancel "$plain" "$silent" "${CANCELS:-50}" $deaf || die "cancel failed"
    else
        echo "resolving is left out: nobody may change /etc/resolv.conf here"
        timeout 120 $out/bench/cancel "$plain" "$silent" "${CANCELS:-50}" || die "cancel failed"
    fi
    ran=1
fi
[ $ran = 1 ] || die "nothing is called $only"
