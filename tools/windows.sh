#!/bin/bash
# tools/windows.sh: prepares and builds the Windows target on Debian; its programs run under Wine.
#
#   tools/windows.sh                  sees to it that all is here to build the preset mingw by hand
#
# The other scripts source it. What it makes lies in build/windows: the libraries for the target, and
# the Wine.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

gw_windows=$gw_top/build/windows

# gw_windows_logged WHAT COMMAND...: what it prints is for a log, unless it fails.
gw_windows_logged() {
    local log=$gw_windows/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        gw_show_log "$log"
        return 1
    }
}

# What the libraries depend on: how they are built, by whom, and of which release.
gw_windows_key() {
    {
        cat "$gw_top/tools/windows/libraries.sh" "$gw_top/tools/windows/toolchain.cmake"
        x86_64-w64-mingw32-gcc -dumpfullversion
        cat /etc/debian_version 2>/dev/null || true
    } | sha256sum
}

gw_windows_libraries() {
    local key folder=$gw_windows/libraries
    key=$(gw_windows_key)
    [ "$(cat "$folder/key" 2>/dev/null || true)" != "$key" ] || return 0
    gw_say "building the libraries for Windows; log in build/windows/libraries.log"
    gw_windows_logged libraries "$gw_top/tools/windows/libraries.sh" "$folder"
    echo "$key" >"$folder/key"
}

# The first program that runs makes the Wine: 700 MB, once.
gw_windows_wine() {
    gw_windows_logged wine "$gw_top/tools/windows/run-wine.sh"
}

# gw_windows_prepare: packages, libraries, a Wine, and the programs of this machine that
# the build needs: the generator runs here.
gw_windows_prepare() {
    gw_setup windows
    mkdir -p "$gw_windows"
    gw_windows_libraries
    gw_windows_wine
    gw_build release protoc-gen-gw
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    gw_windows_prepare
fi
