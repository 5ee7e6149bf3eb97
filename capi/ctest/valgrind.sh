#!/usr/bin/env bash
# valgrind.sh - the built library under memcheck. Goroutines move their stacks about in memory that memcheck did not see
# allocated, so it complains about nearly every Go function; those complaints are passed over. Counted are errors whose
# innermost frame with a source file is C: of the border, or of the test.
set -euo pipefail
cd "$(dirname "$0")/../.."
. build/env.sh
out=build/out/valgrind
mkdir -p $out/ctest
timeout 600 go build -buildmode=c-shared -trimpath -ldflags "-extldflags=-Wl,--version-script=$PWD/capi/turbohttp.map" \
    -o $out/libturbohttp.so ./capi # with its symbols

# Prints the errors of a log whose first frame with a source file is C.
c_errors() {
    awk '
        function end() { if (block != "" && guilty) { printf "%s", block; n++ } block = ""; guilty = 0; seen = 0 }
        { sub(/^==[0-9]+== ?/, "") }
        /^ *(at|by) 0x/ && /\([^ ()]+\.[a-z]+:[0-9]+\)/ && !seen { seen = 1; guilty = /\([^ ()]+\.(c|h):[0-9]+\)/ }
        /^$/ { end(); next }
        { block = block $0 "\n" }
        END { end(); exit n > 0 }
    ' "$1"
}

# The check must be able to fail: a program with an error of its own is found.
printf '#include <stdlib.h>\nint main(void) { volatile char* p = malloc(8); p[8] = 1; return 0; }\n' >$out/bad.c
"${CC:-gcc}" -g -O0 -o $out/bad $out/bad.c
valgrind --leak-check=no $out/bad >$out/bad.log 2>&1 || true
if c_errors $out/bad.log >/dev/null; then
    echo "valgrind.sh finds no error in a program that has one"
    exit 1
fi

for name in test_basic test_threads; do
    cp build/out/ctest/$name $out/ctest/
    log=$out/$name.log
    TURBO_TESTSERVER=$PWD/build/out/testserver timeout 300 valgrind --error-limit=no --leak-check=no --num-callers=8 \
        $out/ctest/$name >"$log" 2>&1 || {
        tail -20 "$log"
        exit 1
    }
    grep -q "^ok $name" "$log" || {
        echo "$name: no success line under valgrind"
        exit 1
    }
    c_errors "$log" || exit 1
    echo "ok valgrind: $name"
done
