#!/usr/bin/env bash
# csc.sh - compiles C# for the runtimes that run-cs.sh knows.
#
#   build/csc.sh mcs OUT.exe SOURCE…       by Mono's compiler (C# 7), for all three runtimes
#   build/csc.sh roslyn OUT.exe SOURCE…    by Roslyn (C# 8), for CoreCLR
set -euo pipefail
# shellcheck source=build/env.sh
. "$(dirname "$0")/env.sh"
compiler=$1 out=$2
shift 2
mkdir -p "$(dirname "$out")"
options=(-nologo -optimize+ -debug+ -unsafe+ -warnaserror+ "-out:$out")
case $compiler in
mcs)
    exec timeout 120 mcs "${options[@]}" "$@"
    ;;
roslyn)
    references=()
    for dll in "$TURBO_DOTNET"/packs/Microsoft.NETCore.App.Ref/*/ref/*/*.dll; do references+=("-r:$dll"); done
    csc=("$TURBO_DOTNET"/sdk/*/Roslyn/bincore/csc.dll)
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 COMPlus_EnableDiagnostics=0 \
        LD_LIBRARY_PATH=$TURBO_ENV/build/tools/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
        exec timeout 120 "$TURBO_DOTNET/dotnet" "${csc[0]}" -nostdlib -noconfig -langversion:8 "${options[@]}" "${references[@]}" "$@"
    ;;
*)
    echo "csc.sh: $compiler is neither mcs nor roslyn" >&2
    exit 2
    ;;
esac
