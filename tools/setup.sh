#!/bin/bash
# tools/setup.sh: installation of packages on Debian, and quiet builds of a preset.
#
#   tools/setup.sh [build|test|bench|windows]     installs the packages for building (default), testing,
#                                                 measuring, or building for Windows
#
# The other scripts source this file. Without apt-get it only prints the names of missing packages.

# A Debian package, and the command or file that shows that it (or an equivalent) is installed.
gw_packages_build="
gcc                  gcc
libc6-dev            /usr/include/stdio.h
cmake                cmake
ninja-build          ninja
protobuf-compiler    protoc
protobuf-c-compiler  protoc-gen-c
libprotobuf-dev      /usr/include/google/protobuf/descriptor.proto
libprotoc-dev        /usr/include/google/protobuf/compiler/plugin.proto
libprotobuf-c-dev    /usr/include/protobuf-c/protobuf-c.h
libinih-dev          /usr/include/ini.h
liburing-dev         /usr/include/liburing.h
libsodium-dev        /usr/include/sodium.h
libmicrohttpd-dev    /usr/include/microhttpd.h
libssl-dev           /usr/include/openssl/ssl.h
libwslay-dev         /usr/include/wslay/wslay.h"
gw_packages_test="$gw_packages_build
libcmocka-dev        /usr/include/cmocka.h
clang                clang
g++                  g++
python3              /usr/bin/python3
python3-protobuf     /usr/lib/python3/dist-packages/google/protobuf/message.py
python3-nacl         /usr/lib/python3/dist-packages/nacl/__init__.py
python3-websockets   /usr/lib/python3/dist-packages/websockets/version.py
pkgconf              pkg-config
openssl              openssl
prometheus           promtool
tshark               tshark
haproxy              /usr/sbin/haproxy
nodejs               node
npm                  npm
chromium             chromium
openssl              openssl
shellcheck           shellcheck
valgrind             valgrind
mingw-w64-x86-64-dev /usr/x86_64-w64-mingw32/include/windows.h"
# Other servers and tools for measurements.
gw_packages_bench="$gw_packages_test
libuv1-dev           /usr/include/uv.h
strace               strace
procps               pgrep"
# To build for Windows, and to run the result.
gw_packages_windows="$gw_packages_test
gcc-mingw-w64-x86-64-win32  x86_64-w64-mingw32-gcc
wine64                      /usr/lib/wine/wine64
wine                        wine
dpkg-dev                    dpkg-source"

gw_say() {
    printf 'gangway: %s\n' "$*" >&2
}

# gw_show_log LOG: prints the end of a log.
gw_show_log() {
    tail -n 60 "$1" >&2
    gw_say "the whole log: $1"
}

# gw_missing PACKAGES: prints the names of packages that are not installed.
gw_missing() {
    local package sign
    while read -r package sign; do
        case $sign in
        '') ;;
        /*) [ -e "$sign" ] || echo "$package" ;;
        *) command -v "$sign" >/dev/null || echo "$package" ;;
        esac
    done <<<"$1"
}

# gw_apt COMMAND...: runs apt-get as root, without questions.
gw_apt() {
    local root=()
    if [ "$(id -u)" != 0 ]; then
        root=(sudo)
        [ -t 0 ] || root+=(-n)
    fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# gw_install PACKAGE...: installs from the present package lists, or else from updated ones.
gw_install() {
    gw_apt install --no-install-recommends "$@" ||
        { gw_apt update && gw_apt install --no-install-recommends "$@"; }
}

# gw_setup build|test|bench|windows: installs what is missing. Exits with 2 when it cannot.
gw_setup() {
    local packages=$gw_packages_build missing line
    case $1 in
    test) packages=$gw_packages_test ;;
    bench) packages=$gw_packages_bench ;;
    windows) packages=$gw_packages_windows ;;
    esac
    mapfile -t missing < <(gw_missing "$packages")
    [ ${#missing[@]} -gt 0 ] || return 0

    if ! command -v apt-get >/dev/null; then
        gw_say "not Debian, nothing installed; missing, by Debian's names: ${missing[*]}"
        return 0
    fi
    line="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        gw_say "packages are missing; as root, run: $line"
        exit 2
    fi
    gw_say "installing ${missing[*]}"
    mkdir -p "$gw_top/build"
    if ! gw_install "${missing[@]}" >"$gw_top/build/setup.log" 2>&1; then
        gw_show_log "$gw_top/build/setup.log"
        gw_say "installing failed; as root, run: $line"
        exit 2
    fi
}

# gw_configure_and_build PRESET TARGETS [CMAKE OPTIONS...]: configures and builds.
gw_configure_and_build() {
    local preset=$1 targets=$2
    shift 2
    cd "$gw_top"
    cmake --preset "$preset" "$@" || return
    echo "$gw_build_begins"
    # shellcheck disable=SC2086 # targets are words
    cmake --build --preset "$preset" -j "$(nproc)" --target $targets
}

gw_build_begins="gangway: the build begins"

# gw_show_warnings LOG: prints the warnings of a build that succeeded.
gw_show_warnings() {
    local said
    said=$(sed "1,/^$gw_build_begins\$/d" "$1" | grep -Ev '^(\[[0-9]+/[0-9]+\] |-- |ninja: )' || true)
    if [[ $said == *'warning: '* ]]; then
        printf '%s\n' "$said" >&2
        gw_say "the compiler warns, see above"
    fi
}

# gw_build PRESET TARGETS [CMAKE OPTIONS...]: builds into the log of the preset, one build of it at a time.
gw_build() {
    local log=$gw_top/build/$1.log
    mkdir -p "$gw_top/build"
    (
        if command -v flock >/dev/null; then
            flock 9
        fi
        if gw_configure_and_build "$@" >"$log" 2>&1 9>&-; then
            gw_show_warnings "$log"
            exit 0
        fi
        gw_show_log "$log"
        gw_say "building $1 failed"
        exit 1
    ) 9>"$gw_top/build/$1.lock"
}

# gw_build_programs: builds the server and the dummy client of the preset release.
gw_build_programs() {
    local options=()
    gw_setup build
    if [ ! -e "$gw_top/build/release/CMakeCache.txt" ]; then
        gw_say "building for the first time; log in build/release.log"
        options=(-DGW_BUILD_TESTS=OFF)
    fi
    gw_build release "gangway-server gangway-dummy" "${options[@]}"
}

gw_top=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    case ${1:-build} in
    build | test | bench | windows) gw_setup "${1:-build}" ;;
    *)
        gw_say "setup.sh takes 'build', 'test', 'bench' or 'windows', not '$1'"
        exit 2
        ;;
    esac
fi
