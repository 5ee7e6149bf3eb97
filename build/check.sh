#!/usr/bin/env bash
# check.sh - what a machine can see in the sources without running the library: go vet, staticcheck, gofmt, clang-format,
# shell scripts where shellcheck is installed, the tests of build/ (floors, headers, exported symbols) and the generated files.
#
#   build/check.sh            says what is wrong, all of it
#   build/check.sh format     puts gofmt's and clang-format's opinion into the files
set -euo pipefail
cd "$(dirname "$0")/.."
. build/env.sh

# Ours in C and C++: not the public headers, whose columns are made by hand, and nothing generated (head_sample.h is, by a test of capi/codec).
mapfile -t c_files < <(find capi bench cli examples build/shim bindings -path '*/csharp' -prune -o -path '*/fbs' -prune -o -name head_sample.h -prune -o \
    -type f -regex '.*\.\(c\|h\|cc\|cpp\|hpp\)' -print 2>/dev/null | sort)
mapfile -t go_files < <(find . -name '*.go' -not -path './build/out/*' -not -path './build/tools/*' -not -path '*/testdata/*')

if [ "${1:-}" = format ]; then
    gofmt -w "${go_files[@]}"
    clang-format -i "${c_files[@]}"
    exit 0
fi

failed=0
step() { # NAME COMMAND…: all steps run, whatever the earlier ones found
    local name=$1
    shift
    "$@" || {
        echo "check: $name failed" >&2
        failed=1
    }
}
go_format() {
    local wrong
    wrong=$(gofmt -l "${go_files[@]}")
    [ -z "$wrong" ] || {
        echo "not as gofmt writes it (make format): ${wrong//$'\n'/ }"
        return 1
    }
}
c_format() {
    local file wrong=()
    for file in "${c_files[@]}"; do
        clang-format --dry-run -Werror "$file" 2>/dev/null || wrong+=("$file")
    done
    [ ${#wrong[@]} = 0 ] || {
        echo "not as clang-format writes it (make format): ${wrong[*]}"
        return 1
    }
}
shells() {
    if type -P shellcheck >/dev/null; then
        shellcheck -S warning -x -P SCRIPTDIR/.. build/*.sh .ci/run
    fi
}
modules() { # also those of their own go.mod, such as bench/
    local dir
    while read -r dir; do
        (cd "$dir" && "$@") || return 1
    done < <(find . -name go.mod -not -path './build/out/*' -not -path './build/tools/*' -printf '%h\n' | sort)
}

step gofmt go_format
step clang-format c_format
step "go vet" modules timeout 300 go vet ./...
step "go vet -tags contrast" timeout 300 go vet -tags contrast ./capi
step staticcheck modules timeout 300 staticcheck ./...
step "go.mod" timeout 60 go mod tidy -diff
step shellcheck shells
step gen-check build/gen.sh check
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
tests() { timeout 300 go test -count=1 -json ./build/... | timeout 300 go run ./build/gotest | tee "$counts"; }
step "tests of build/" tests
exit $failed
