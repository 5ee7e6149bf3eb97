# shellcheck shell=bash
# env.sh - puts the tools that setup.sh fetched first. Source it from bash; it changes nothing but the environment.
turbo_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TURBO_DOTNET=$turbo_root/build/tools/dotnet

if [ "${TURBO_ENV:-}" != "$turbo_root" ]; then # once, however deep the scripts nest
    export TURBO_ENV=$turbo_root
    # After PATH: where a go or nginx may be that the login shell does not look at.
    export PATH=$turbo_root/build/tools/go/bin:$turbo_root/build/tools/bin:$PATH:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin
    export GOTOOLCHAIN=local                              # the go that setup.sh chose, never a download in the middle
    export GOFLAGS="-buildvcs=false${GOFLAGS:+ $GOFLAGS}" # a clone that belongs to somebody else builds too
    export CGO_ENABLED=1
    unset GOROOT # a go knows its own root best
fi
