#!/usr/bin/env bash
# test.sh - everything that proves the library, step by step: the sources, the Go suite and the C suite in a choice of modes,
# turbo, the command-line client, the host's side under sanitizers, the hosts with a collector, and a short soak run.
#
#   ONLY=check|go|c|cli|sanitize|fuzz|hosts|soak   this step alone
#   MATRIX=1                              every combination of modes instead of a pairwise choice
#   V=1                                   show the output of steps that pass, too
#   SECONDS=20                            for each host, and for the soak run, which is half as long over TLS
set -uo pipefail
duration=$SECONDS # bash counts on from what the environment said: read it first
[ "$duration" -gt 0 ] || duration=20
cd "$(dirname "$0")/.." || exit 1
. build/env.sh
logs=build/out/logs
mkdir -p $logs
began=$(date +%s)
failed=0 go_tests=0 go_modes=0 c_programs=0 c_modes=0 hosts=0

# step NAME COMMAND…: one line when it passes, all of its output when it does not
step() {
    local name=$1 start log
    shift
    start=$(date +%s)
    log=$logs/${name//[ =()]/_}.log
    printf '%-52s ' "$name"
    if "$@" >"$log" 2>&1; then
        echo "ok ($(($(date +%s) - start)) s)"
        [ -z "${V:-}" ] || cat "$log"
        return 0
    fi
    echo "FAILED ($(($(date +%s) - start)) s)"
    cat "$log"
    failed=$((failed + 1))
    return 1
}
wanted() { [ -z "${ONLY:-}" ] || [ "$ONLY" = "$1" ]; }

# of ROW NAME: the value of a dimension
of() { sed -n "s/.*\b$2=\([^ ]*\).*/\1/p" <<<"$1"; }

go_row() {
    local race=() packages
    [ "$(of "$1" race)" = off ] || race=(-race)
    mapfile -t packages < <(go list ./... | grep -v -e /build -e /cli) # build/ is tested by check, cli/ by cli
    TURBO_TEST_MEMORY=$(of "$1" memory) GOMAXPROCS=$(of "$1" procs) \
        timeout 900 go test -count=1 -json "${race[@]}" "${packages[@]}" |
        TURBO_TEST_MEMORY='' go run ./build/gotest ${V:+-v}
}

# One C program: silent when it passes. The success line counts, never the exit code alone.
c_program() {
    local name output
    name=$(basename "$1")
    output=$(timeout -k 5 240 "$1" 2>&1)
    grep -q "^ok $name" <<<"$output" && return
    printf '%s\n%s: no success line\n' "$output" "$name"
    return 1
}
export -f c_program
c_row() { # several at once: they wait most of the time
    find build/out/ctest -name 'test_*' -print0 | sort -z |
        TURBO_TEST_MEMORY=$(of "$1" memory) TURBO_TEST_THREADS=$(of "$1" procs) xargs -0 -P 4 -I '{}' bash -c 'c_program {}'
}

modes() { go run ./build/modes ${MATRIX:+-full} "$@"; }

library() { build/library.sh && make -s tests; }
step "build" library || exit 1
if wanted check; then step "check" build/check.sh; fi
if wanted go; then
    while read -r row; do
        step "go $row" go_row "$row"
        n=$(sed -n 's/^go: \([0-9]*\) passed.*/\1/p' "$logs/go_${row//[ =]/_}.log" | tail -1)
        go_tests=$((go_tests + ${n:-0})) go_modes=$((go_modes + 1))
    done < <(modes)
fi
if wanted c; then
    c_programs=$(find build/out/ctest -name 'test_*' | wc -l)
    while read -r row; do
        step "c $row" c_row "$row"
        c_modes=$((c_modes + 1))
    done < <(modes -only memory,procs)
fi
if wanted cli; then
    cli() {
        timeout 300 go test -count=1 -json ./cli/... | timeout 300 go run ./build/gotest ${V:+-v}
    }
    sanitized() { build/cli.sh sanitize && TURBO_CLI=$PWD/build/out/cli/turbo-sanitize cli; }
    step "cli" cli
    step "cli under sanitizers" sanitized
fi
if wanted sanitize; then
    step "sanitize" capi/ctest/sanitize.sh
    step "valgrind" capi/ctest/valgrind.sh
    step "random calls under AddressSanitizer" capi/ctest/asan.sh
fi
if wanted fuzz; then step "fuzz heads" env SECONDS=3 ONLY=capi/codec build/fuzz.sh; fi
if wanted hosts; then
    step hosts env SECONDS="$duration" capi/ctest/gchost.sh
    hosts=$(grep -cE '^[a-z-]+ +survived' "$logs/hosts.log")
    grep '^figure' "$logs/hosts.log"
    step "hosts over TLS" env TLS=1 SECONDS="$duration" capi/ctest/gchost.sh
    hosts=$((hosts + $(grep -cE '^[a-z-]+ +survived' "$logs/hosts_over_TLS.log")))
    grep '^figure' "$logs/hosts_over_TLS.log"
fi
if wanted soak; then
    step "soak h1" env SECONDS="$duration" ONLY=h1.net.plain bench/soak.sh
    step "soak h1 over TLS" env SECONDS=$((duration / 2)) ONLY=h1.net.go bench/soak.sh
    grep -h '^figure' "$logs/soak_h1.log" "$logs/soak_h1_over_TLS.log"
fi

summary="$go_tests Go tests in $go_modes modes, $c_programs C programs in $c_modes modes, $hosts collecting hosts, $failed steps failed ($(($(date +%s) - began)) s)"
if [ $failed -gt 0 ]; then
    echo "FAIL: $summary"
    exit 1
fi
echo "PASS: $summary"
