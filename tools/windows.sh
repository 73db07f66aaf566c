#!/bin/bash
# tools/windows.sh: preparation, build and tests of the Windows target on Debian, under Wine.
#
#   tools/windows.sh                  prepares what a build of the preset mingw needs
#
# The other scripts source this file. build/windows has the libraries for the target and the Wine
# prefix.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

gw_windows=$gw_top/build/windows

# gw_windows_logged NAME COMMAND...: runs a command with its output in a log, shown if it fails.
gw_windows_logged() {
    local log=$gw_windows/$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null || {
        gw_show_log "$log"
        return 1
    }
}

# A hash of what the libraries depend on: build script, toolchain, compiler version, Debian release.
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

# The first program that runs creates the Wine prefix: 700 MB, once.
gw_windows_wine() {
    gw_windows_logged wine "$gw_top/tools/windows/run-wine.sh"
}

# gw_windows_prepare: installs packages, libraries and a Wine prefix, and builds the generator for this
# machine, which the build for Windows runs.
gw_windows_prepare() {
    gw_setup windows
    mkdir -p "$gw_windows"
    gw_windows_libraries
    gw_windows_wine
    gw_build release protoc-gen-gw
}

# gw_windows_serve OPTIONS...: runs the server. A pipe that ignores Ctrl-C carries its output.
gw_windows_serve() {
    local options=()
    gw_windows_prepare
    if [ ! -e "$gw_top/build/mingw/CMakeCache.txt" ]; then
        gw_say "building for the first time; log in build/mingw.log"
        options=(-DGW_BUILD_TESTS=OFF)
    fi
    gw_build mingw gangway-server "${options[@]}"
    "$gw_top/tools/windows/run-wine.sh" "$gw_top/build/mingw/gangway-server.exe" "$@" 2>&1 |
        (trap '' INT && exec cat)
}

# gw_windows_build: builds the release programs (mingw), and everything with traps (mingw-checked).
gw_windows_build() {
    local options=(-DGW_BUILD_TESTS=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON)
    gw_build release "protoc-gen-gw gangway-server gangway-dummy" "${options[@]}"
    gw_build mingw "gangway-server gangway-dummy gw_python_schema" "${options[@]}"
    gw_build mingw-checked all "${options[@]}"
}

# gw_windows_ctest PRESET OPTIONS...: runs the tests, with a report in build/PRESET-tests.xml.
gw_windows_ctest() {
    local preset=$1
    shift
    rm -f "build/$preset-tests.xml"
    ctest --preset "$preset" --output-junit "$gw_top/build/$preset-tests.xml" "$@" </dev/null 2>&1 || true
}

# gw_windows_repeat_silent: runs tests again, once, that Wine has ended at their start: they failed within a
# second and without output, which a test of cmocka always has.
gw_windows_repeat_silent() {
    local silent
    rm -f build/mingw-checked-again.xml
    silent=$(/usr/bin/python3 -B tools/windows/table.py --silent build/mingw-checked-tests.xml)
    if [ -n "$silent" ]; then
        gw_say "windows: ended at the start without output, and started again: $silent"
        ctest --preset mingw-checked -R "^($silent)\$" --output-junit "$gw_top/build/mingw-checked-again.xml" \
            </dev/null 2>&1 || true
    fi
}

gw_windows_scenario_one_in() {
    grep -om1 'GW_SCENARIO_ONE_IN=[0-9]*' build/mingw-checked/tests/scenarios/CTestTestfile.cmake | sed 's/.*=//'
}

# gw_windows_stay_awake: keeps Wine's services running until gw_windows_sleep, for at most an hour, with
# a program that waits for input. Returns when they run: a test that starts while they start can hang.
gw_windows_stay_awake() {
    "$gw_top/tools/windows/run-wine.sh"
    export GW_WINE_AWAKE=yes
    exec {gw_windows_input}< <(exec sleep 3600)
    gw_windows_sleeper=$!
    "$gw_top/tools/windows/run-wine.sh" cmd <&"$gw_windows_input" >/dev/null 2>&1 &
}

gw_windows_sleep() {
    unset GW_WINE_AWAKE
    kill "$gw_windows_sleeper" 2>/dev/null || true
}

# gw_windows_test [REGEX]: prepares, builds, runs all tests or those whose name matches, and prints a
# table of the results.
gw_windows_test() {
    local begin=$SECONDS filter=() jobs
    [ -z "${1:-}" ] || filter=(-R "$1")
    jobs=$(nproc)
    cd "$gw_top"
    gw_windows_prepare
    gw_say "windows: prepared ($((SECONDS - begin)) s)"
    begin=$SECONDS
    gw_windows_build
    gw_say "windows: built in $((SECONDS - begin)) s"
    gw_say "windows: scenarios with one in $(gw_windows_scenario_one_in) of the players"
    begin=$SECONDS
    gw_windows_stay_awake
    trap gw_windows_sleep EXIT
    gw_windows_ctest mingw-checked -LE program -j "$jobs" "${filter[@]}"
    gw_windows_repeat_silent
    gw_windows_ctest mingw -L program "${filter[@]}"
    gw_say "windows: tests took $((SECONDS - begin)) s"
    ctest --preset release --show-only=json-v1 "${filter[@]}" >build/windows/native-tests.json
    local reports=(build/mingw-checked-tests.xml build/mingw-tests.xml)
    [ ! -e build/mingw-checked-again.xml ] || reports+=(build/mingw-checked-again.xml)
    /usr/bin/python3 -B tools/windows/table.py build/windows/native-tests.json \
        build/mingw-checked/not-applicable.txt "${reports[@]}"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    gw_windows_prepare
fi
