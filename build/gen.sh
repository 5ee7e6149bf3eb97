#!/usr/bin/env bash
# gen.sh - makes the generated files anew, or says which of the committed ones are not what it would make.
#
#   build/gen.sh          writes wire/status.gen.go and capi/fbs/*.go, and for the C++ tests build/out/gen/
#   build/gen.sh check    writes nothing; ends with 1 when something differs
set -euo pipefail
cd "$(dirname "$0")/.."
. build/env.sh
schema=capi/fbs/turbohttp.fbs

generate() { # INTO: a tree like the repository's
    mkdir -p "$1/wire" "$1/capi"
    timeout 120 go run ./build/genstatus -o "$1/wire/status.gen.go"
    timeout 60 flatc --go --go-namespace fbs -o "$1/capi" "$schema"
}

if [ "${1:-}" != check ]; then
    generate .
    timeout 60 flatc --cpp -o build/out/gen "$schema"
    exit 0
fi

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
generate "$fresh"
same=0
# Both ways: a committed file that is made no more is wrong too.
while read -r file; do
    diff -u "$file" "$fresh/$file" || same=1
done < <({
    (cd "$fresh" && find . -type f)
    find ./wire ./capi/fbs -name '*.go' \( -path './capi/fbs/*' -o -name '*.gen.go' \)
} | sort -u)
[ $same = 0 ] || echo "generated files are stale: make gen" >&2
exit $same
