#!/bin/bash
# tools/windows/libraries.sh FOLDER: builds the static libraries that the Windows target needs.
#
# From Debian's source packages, as on Linux: protobuf-c's runtime, inih, cmocka and wslay. The system's list
# of package archives is not changed; a copy in FOLDER/work has the source archives.
set -euo pipefail

[ $# = 1 ] || {
    echo "usage: tools/windows/libraries.sh FOLDER" >&2
    exit 2
}
target=x86_64-w64-mingw32
next_release=trixie
toolchain=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/toolchain.cmake
rm -rf "$1"
mkdir -p "$1/include" "$1/lib" "$1/work"
prefix=$(CDPATH='' cd -- "$1" && pwd)
work=$prefix/work

# Writes the archives of this machine as source archives, from .sources and .list files.
list_archives() {
    local file
    mkdir -p "$work/archives" "$work/lists/partial" "$work/cache/archives/partial"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/archives/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -e "$file" ] ||
            sed -n 's/^deb[[:space:]]/deb-src /p' "$file" >"$work/archives/${file##*/}.list"
    done
}

# Some mirrors do not have all sources of a release, but those of the next one.
add_next_release() {
    local uri
    uri=$(sed -En 's/^(URIs:|deb-src( \[.*\])?) *([^ ]*).*/\3/p' "$work/archives"/* | head -n 1)
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $next_release main" \
        >"$work/archives/next.list"
}

apt_sources() {
    apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/archives" \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}

# download PACKAGE: apt-get checks signatures and sums.
download() {
    rm -f "$work/$1"_*
    (cd "$work" && apt_sources source --download-only "$1")
}

# fetch PACKAGE...: into work/PACKAGE. Fails when one of them is nowhere.
fetch() {
    local package missing=()
    list_archives
    apt_sources update
    for package in "$@"; do
        download "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        add_next_release
        apt_sources update
    fi
    for package in "${missing[@]}"; do
        download "$package" || return
    done
    for package in "$@"; do
        dpkg-source --no-check -x "$work/$package"_*.dsc "$work/$package"
    done
}

version_of() {
    sed -n 's/^Version: \([^-]*\).*/\1/p' "$work/$1"_*.dsc | head -n 1
}

# one_file NAME SOURCE FLAGS...: a library made of one C file.
one_file() {
    local name=$1 source=$2
    shift 2
    "$target-gcc" -O2 -g -gdwarf-4 "$@" -c "$source" -o "$work/$name.o"
    "$target-ar" rcs "$prefix/lib/lib$name.a" "$work/$name.o"
}

# (protobuf-c's own CMake project asks for a C++ compiler, even when only the runtime is wanted.)
build_protobuf_c() {
    local from=$work/protobuf-c version
    version=$(version_of protobuf-c)
    one_file protobuf-c "$from/protobuf-c/protobuf-c.c" -I"$from" \
        -DPACKAGE_VERSION="\"$version\"" -DPACKAGE_STRING="\"protobuf-c $version\""
    mkdir "$prefix/include/protobuf-c"
    cp "$from/protobuf-c/protobuf-c.h" "$prefix/include/protobuf-c/"
}

build_inih() {
    one_file inih "$work/libinih/ini.c"
    cp "$work/libinih/ini.h" "$prefix/include/"
}

# (What cmocka's CMake project would install names a library that does not exist on MinGW.)
build_cmocka() {
    cmake -S "$work/cmocka" -B "$work/cmocka-build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
    cmake --build "$work/cmocka-build" --target cmocka-static
    cp "$work/cmocka-build/src/libcmocka-static.a" "$prefix/lib/libcmocka.a"
    cp "$work/cmocka/include/cmocka.h" "$prefix/include/"
}

# (Only the frame layer: the event layer is not used.)
build_wslay() {
    local from=$work/wslay/lib version source
    version=$(version_of wslay)
    sed "s/@PACKAGE_VERSION@/$version/" "$from/includes/wslay/wslayver.h.in" >"$from/includes/wslay/wslayver.h"
    for source in wslay_frame wslay_net; do
        "$target-gcc" -O2 -g -gdwarf-4 -I"$from/includes" -DHAVE_WINSOCK2_H -c "$from/$source.c" -o "$work/$source.o"
    done
    "$target-ar" rcs "$prefix/lib/libwslay.a" "$work/wslay_frame.o" "$work/wslay_net.o"
    mkdir "$prefix/include/wslay"
    cp "$from/includes/wslay"/*.h "$prefix/include/wslay/"
}

fetch protobuf-c libinih cmocka
build_protobuf_c
build_inih
build_cmocka
if fetch wslay; then
    build_wslay
else
    echo "Debian's archive has no source of wslay: the build has no WebSocket" >&2
fi
rm -rf "$work"
