#!/bin/bash
# demo.sh - the bet on the screen: nginx on 127.0.0.1, a C host that sends it 10,000 requests a second through
# libturbohttp.so, and what the process allocates meanwhile. Everything lies in a temporary directory and ends with it.
set -u
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
duration=${DEMO_SECONDS:-10}

host hello examples/c/hello.c
host frame_loop examples/c/frame_loop.c
host soak bench/soak.c -ldl
compile malloc_count.so bench/malloc_count.c -shared -fPIC
nginx_start "$work/nginx"
head -c 20000000 /dev/zero | tr '\0' 'x' >"$work/nginx/www/level.bin"

echo "TurboHTTP: $(wc -c <$out/libturbohttp.so | awk '{ printf "%.1f MB", $1 / 1e6 }') of libturbohttp.so, a Go core behind a C ABI; $(nginx -v 2>&1 | sed 's/.*: //') on 127.0.0.1:$port"
echo
echo "1. One request: examples/c/hello.c"
timeout 10 $out/bench/hello "http://127.0.0.1:$port/score" | sed 's/^/   /'
echo
echo
echo "2. A download beside a game loop at 60 frames a second: examples/c/frame_loop.c"
timeout 20 $out/bench/frame_loop "http://127.0.0.1:$port/level.bin" | sed 's/^/   /' || die "the download failed"
echo
echo "3. 10,000 requests a second over 64 connections for $duration s, after 1,000 requests of warm-up: bench/soak.c"
echo
LD_PRELOAD=$PWD/$out/bench/malloc_count.so timeout $((duration + 30)) $out/bench/soak --live "$port" "$duration" 10000 64 >"$work/live" 2>&1 &
soak=$! # ends on its own, at the latest by timeout
tail -n +1 -s 0.2 -f --pid="$soak" "$work/live" 2>/dev/null | grep --line-buffered -v '^figure' | sed -u 's/^/   /'
wait "$soak"
code=$?
value() { sed -n "s/^figure soak.h1.net.plain.c.$1 \([^ ]*\) .*/\1/p" "$work/live"; }
echo
if [ $code = 0 ]; then
    echo "$(value rps) requests a second, half of them within $(value p50_us) us, 99 of 100 within $(value p99_us) us."
    echo "Go heap: $(value go_bytes_per_second) bytes a second, $(value go_objects_per_request) objects a request. C heap: $(value mallocs_per_request) mallocs a request."
    echo "Rented and not returned: $(value pool_imbalance). The bet holds: no heap grows."
else
    echo "A promise was broken (exit $code):"
    grep -a '^soak:\|^figure' "$work/live"
fi
exit $code
