#!/usr/bin/env bash
# Runs the host's side of the border alone, against a stand-in for the library's side: under ThreadSanitizer, and under
# AddressSanitizer with UndefinedBehaviorSanitizer. (The whole library runs under valgrind: valgrind.sh.)
set -euo pipefail
cd "$(dirname "$0")/../.."
out=build/out/cside
mkdir -p "$out"
sources=(capi/arena.c capi/body.c capi/client.c capi/handles.c capi/lent.c capi/library.c capi/list.c capi/log.c capi/op.c
    capi/os_linux.c capi/queue.c capi/request.c capi/response.c capi/signals.c capi/tls.c capi/upload.c
    capi/verify.c
    capi/ctest/cside_standin.c capi/ctest/cside_main.c)
for sanitizer in thread address,undefined; do
    "${CC:-gcc}" -std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=$sanitizer -fno-sanitize-recover=all \
        -o "$out/cside-$sanitizer" "${sources[@]}" -pthread -ldl -Wl,--wrap=sigaction
    log="$out/cside-$sanitizer.log"
    # A sanitizer's report fails the run, and so does a missing success line.
    TSAN_OPTIONS=halt_on_error=1 timeout 300 "$out/cside-$sanitizer" "${ROUNDS:-400}" >"$log" 2>&1 || { cat "$log"; exit 1; }
    grep -q '^ok cside' "$log" || { cat "$log"; exit 1; }
    echo "ok $sanitizer: $(tail -1 "$log")"
done
