#!/bin/bash
# soak.sh - what the library allocates in steady state: a C host, RATE requests a second over 64 connections.
#
#   make soak SECONDS=20 ONLY=h1        figures soak.h1.net.plain.c.* and, over TLS by Go, soak.h1.net.go.c.*; exit 1 when a
#                                       promise is broken
#   RATE=10000                          requests a second
#   SERVER=cepoll|nginx                 the peer without TLS (default cepoll, which leaves most of the machine to the host)
set -u
duration=$SECONDS # bash counts on from what the environment said: read it first
[ "$duration" -gt 0 ] || duration=20
cd "$(dirname "$0")/.." || exit 1
. bench/lib.sh
only=${ONLY:-}
ran=0 missed=0

# soak SCENE ARGS…: runs against the server on $port
soak() {
    local scene=$1
    shift
    echo "soak.$scene: $duration s at ${RATE:-10000} requests a second over 64 connections"
    LD_PRELOAD=$PWD/$out/bench/malloc_count.so timeout $((duration + 60)) $out/bench/soak "$@" "$port" "$duration" \
        "${RATE:-10000}" 64 || missed=1
    ran=1
}
wanted() { [ -z "$only" ] || [[ $1 == *"$only"* ]] || [[ soak.$1 == *"$only"* ]]; }

compile malloc_count.so bench/malloc_count.c -shared -fPIC
host soak bench/soak.c -ldl
if wanted h1.net.plain.c; then
    if [ "${SERVER:-cepoll}" = nginx ]; then
        nginx_start "$work/nginx"
    else
        compile cepoll_server bench/peers/cepoll_server.c
        serve $out/bench/cepoll_server
    fi
    soak h1.net.plain.c
fi
if wanted h1.net.go.c; then
    nginx_start "$work/nginx-tls" tls
    soak h1.net.go.c --tls "$work/nginx-tls/cert.pem"
fi
[ $ran = 1 ] || die "nothing is called $only"
exit $missed
