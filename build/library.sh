#!/usr/bin/env bash
# library.sh - builds the shared library and its headers into build/out.
#
#   build/library.sh             libturbohttp.so and include/
#   build/library.sh tests       what the tests need beside: the test server, a second Go library
#   build/library.sh contrast    libraries that lack what makes ours safe, to show why it is there (gchost.sh)
#
# go build keeps track of what changed: it is always asked.
set -euo pipefail
cd "$(dirname "$0")/.."
. build/env.sh
out=build/out
map=$PWD/capi/turbohttp.map

# shared OUTPUT ARGUMENTS…: a c-shared library that exports what the version script lists and nothing else
shared() {
    local to=$1
    shift
    mkdir -p "$(dirname "$to")"
    timeout 600 go build -buildmode=c-shared -trimpath \
        -ldflags "-s -w \"-extldflags='-Wl,--version-script=$map' -Wl,-soname,libturbohttp.so\"" "$@" -o "$to.new" ./capi
    rm -f "${to%.so}.so.h" "$to.h"
    # Another file, not the same one rewritten: a process may have it loaded.
    if cmp -s "$to.new" "$to"; then rm "$to.new"; else mv "$to.new" "$to"; fi
}

case ${1:-} in
'')
    shared $out/libturbohttp.so
    mkdir -p $out/include/turbohttp
    cp -pu include/*.h $out/include/
    cp -pu bindings/cpp/include/turbohttp/*.hpp $out/include/turbohttp/
    ;;
tests)
    timeout 300 go build -o $out/testserver ./capi/ctest/server
    mkdir -p $out/ctest
    timeout 300 go build -buildmode=c-shared -o $out/ctest/libsecondgo.so ./capi/ctest/secondgo
    rm -f $out/ctest/libsecondgo.h
    ;;
contrast)
    shared $out/contrast/libturbohttp-contrast.so -tags contrast
    CGO_CFLAGS="-O2 -g -DTURBO_NO_SIGNAL_GUARD" shared $out/contrast/libturbohttp-noguard.so
    ;;
*)
    echo "library.sh: $1 is neither tests nor contrast" >&2
    exit 2
    ;;
esac
