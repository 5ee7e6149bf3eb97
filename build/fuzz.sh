#!/usr/bin/env bash
# fuzz.sh - runs every Go fuzz target of the tree for SECONDS each (default 20), and random calls at the ABI ("capi calls").
# A crash is kept by go in testdata/fuzz of the package: commit it with the fix. ONLY: those whose "package function"
# contains it.
duration=$SECONDS # bash counts on from what the environment said: read it first
set -euo pipefail
[ "$duration" -gt 0 ] || duration=20
cd "$(dirname "$0")/.."
. build/env.sh

count=0
while read -r package target; do
    if [[ -n ${ONLY:-} && "$package $target" != *"$ONLY"* ]]; then continue; fi
    echo "fuzz $package $target for $duration s"
    log=$(mktemp)
    if ! timeout -k 10 $((duration + 300)) go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${duration}s" >"$log" 2>&1; then
        cat "$log"
        rm "$log"
        exit 1
    fi
    [ -z "${V:-}" ] || cat "$log"
    rm "$log"
    count=$((count + 1))
done < <(grep -rhoE --include='*_test.go' --exclude-dir=out --exclude-dir=tools '^func Fuzz\w*' . -H | sed -E 's,/[^/]*:func , ,' | sort -u)
if [ -z "${ONLY:-}" ] || [[ "capi calls" == *"$ONLY"* ]]; then
    echo "fuzz capi calls for $duration s"
    build/library.sh tests
    SECONDS=$duration capi/ctest/asan.sh fuzz
    count=$((count + 1))
fi
echo "fuzz: $count targets"
[ $count -gt 0 ] || exit 1
