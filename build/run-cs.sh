#!/usr/bin/env bash
# run-cs.sh - runs a C# program:  build/run-cs.sh mono-boehm|mono-sgen|coreclr PROGRAM.exe ARGUMENTS…
#
# CoreCLR takes coreclr/PROGRAM.exe beside it when there is one (Roslyn's, see csc.sh). LD_LIBRARY_PATH says where the
# library is. The program takes this process's place, so that a signal reaches it.
set -euo pipefail
# shellcheck source=build/env.sh
. "$(dirname "$0")/env.sh"
runtime=$1 program=$2
shift 2
case $runtime in
mono-boehm | mono-sgen)
    exec "$runtime" "$program" "$@"
    ;;
coreclr)
    own=$(dirname "$program")/coreclr/$(basename "$program")
    if [ -e "$own" ]; then program=$own; fi
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_MULTILEVEL_LOOKUP=0
    export COMPlus_EnableDiagnostics=0 # else it leaves sockets in /tmp
    exec "$TURBO_DOTNET/dotnet" exec --runtimeconfig "$TURBO_ENV/build/coreclr.runtimeconfig.json" "$program" "$@"
    ;;
*)
    echo "run-cs.sh: $runtime is none of mono-boehm, mono-sgen, coreclr" >&2
    exit 2
    ;;
esac
