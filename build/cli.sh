#!/usr/bin/env bash
# cli.sh - builds turbo, the command-line client, into build/out, beside the library that it finds there.
#
#   build/cli.sh             build/out/turbo
#   build/cli.sh sanitize    build/out/cli/turbo-sanitize, with AddressSanitizer and UndefinedBehaviorSanitizer
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/out
flags=(-std=c++17 -g -Wall -Wextra -pedantic -Werror -Iinclude -Ibindings/cpp/include)
# The C++ runtime comes along: the program depends on the library and on libc alone.
link=(-L"$out" -lturbohttp "-Wl,--enable-new-dtags" -static-libstdc++ -static-libgcc)
mkdir -p $out/cli

case ${1:-} in
'')
    newer() { # is any source newer than the program?
        [ ! -e $out/turbo ] || [ -n "$(find cli bindings/cpp/include include build/cli.sh -newer $out/turbo -type f -print -quit)" ]
    }
    newer || exit 0
    timeout 300 "${CXX:-g++}" "${flags[@]}" -O2 -o $out/turbo.new cli/*.cpp "${link[@]}" "-Wl,-rpath,\$ORIGIN"
    mv $out/turbo.new $out/turbo
    ;;
sanitize)
    timeout 300 "${CXX:-g++}" "${flags[@]}" -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
        -o $out/cli/turbo-sanitize cli/*.cpp "${link[@]}" "-Wl,-rpath,\$ORIGIN/.."
    ;;
*)
    echo "cli.sh: $1 is not sanitize" >&2
    exit 2
    ;;
esac
