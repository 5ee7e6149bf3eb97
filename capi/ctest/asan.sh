#!/usr/bin/env bash
# asan.sh - the whole library, its C and its Go, built with AddressSanitizer, under some of the C programs and under random
# calls of everything at once (fuzz_abi.c), which are built with it too.
#
#   capi/ctest/asan.sh            what make test runs: the same dice each time
#   SECONDS=60 capi/ctest/asan.sh fuzz    other dice, for so long (make fuzz)
duration=$SECONDS # bash counts on from what the environment said: read it first
set -euo pipefail
cd "$(dirname "$0")/../.."
. build/env.sh
out=build/out/asan
mkdir -p $out/ctest
timeout 900 go build -asan -buildmode=c-shared -trimpath \
    -ldflags "-extldflags=-Wl,--version-script=$PWD/capi/turbohttp.map" -o $out/libturbohttp.so ./capi
tests=(test_stream test_threads test_limits)
for name in fuzz_abi asan_control "${tests[@]}"; do
    "${CC:-gcc}" -fsanitize=address,undefined -fno-sanitize-recover=all -std=c11 -O1 -g -Wall -Wextra -Werror -pthread \
        -Iinclude -o $out/ctest/$name capi/ctest/$name.c -L$out -lturbohttp -Wl,-rpath,'$ORIGIN/..'
done
export TURBO_TESTSERVER=$PWD/build/out/testserver

# The check must be able to fail.
for side in c go; do
    if timeout 100 $out/ctest/asan_control $side >$out/control.log 2>&1 || ! grep -q 'ERROR: AddressSanitizer' $out/control.log; then
        cat $out/control.log
        echo "asan.sh does not see that $side writes behind a span"
        exit 1
    fi
done

# play MEMORY SEED CALLS THREADS ROUNDS
play() {
    local log=$out/fuzz_abi.log
    if ! TURBO_TEST_MEMORY=$1 timeout -k 10 900 $out/ctest/fuzz_abi "${@:2}" >$log 2>&1 || ! grep -q '^ok fuzz_abi' $log; then
        cat $log
        echo "again: TURBO_TEST_MEMORY=$1 TURBO_TESTSERVER=build/out/testserver $out/ctest/fuzz_abi ${*:2}"
        exit 1
    fi
    echo "ok random calls: $1, seed $2, $4 threads, $5 rounds:$(grep '^ calls' $log)"
}

if [ "${1:-}" = fuzz ]; then
    seed=$(date +%s)
    end=$((seed + (duration > 0 ? duration : 20)))
    while [ "$(date +%s)" -lt $end ]; do
        for memory in pooled plain guarded; do
            play $memory $((seed += 1)) 10000 16 1
            play $memory $((seed += 1)) 10000 1 1
        done
    done
else
    for name in "${tests[@]}"; do
        if ! timeout -k 10 300 $out/ctest/$name >$out/$name.log 2>&1 || ! grep -q "^ok $name" $out/$name.log; then
            cat $out/$name.log
            exit 1
        fi
        echo "ok $name"
    done
    play pooled 1 10000 1 2
    play pooled 1 10000 16 2
    play guarded 2 10000 16 1
    play plain 3 10000 16 1
fi
