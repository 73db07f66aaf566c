#!/bin/bash
# tools/test.sh: installation of missing packages, build of everything, all tests.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"

usage="tools/test.sh [--preset NAME | --coverage | --windows] [--only REGEX] [--without BACKEND] [--list] [--help]

Builds everything, with warnings as errors, and runs the tests, in these parts:

  release   optimised, as installed
  asan      with AddressSanitizer and UndefinedBehaviorSanitizer
  tsan      with ThreadSanitizer
  clang     built with clang for its warnings; no tests
  fuzz      libFuzzer, for 20 seconds each

  --preset NAME   only this part
  --coverage      instead, line coverage of net, protocol and session; less than 90 % fails
  --windows       instead, all tests of the Windows build, under Wine
  --only REGEX    only the tests whose name matches; with --coverage, without a minimum
  --without BACKEND
                  leaves out the tests of a backend that this machine does not have (uring in many
                  containers); without this option they fail
  --list          prints the names of the tests, runs none"

parts=(release asan tsan clang fuzz)
only=
list=
windows=
without=

refuse() {
    gw_say "$1; see tools/test.sh --help"
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --preset | --only | --without) [ $# -gt 1 ] || refuse "$1 needs a value" ;;&
    --preset)
        [[ " ${parts[*]} " == *" $2 "* ]] || refuse "no part is called '$2'"
        parts=("$2")
        shift
        ;;
    --only)
        only=$2
        shift
        ;;
    --without)
        without=$2
        shift
        ;;
    --coverage) parts=(coverage) ;;
    --windows) windows=yes ;;
    --list) list=yes ;;
    --help)
        echo "$usage"
        exit 0
        ;;
    *) refuse "unknown option '$1'" ;;
    esac
    shift
done
if [ -n "$windows" ]; then
    # shellcheck source=tools/windows.sh
    . "$gw_top/tools/windows.sh"
    [ -z "$list" ] || refuse "--windows names no tests"
    gw_windows_test "$only"
    exit
fi
# The parts clang and fuzz have none of the tests that --only selects.
if [ -n "$only" ] && [ ${#parts[@]} -gt 1 ]; then
    parts=(release asan tsan)
fi

passed=0
failed=0
summary=()
ran=()

# build PART TARGETS
build() {
    gw_build "$1" "$2" -DGW_BUILD_TESTS=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON \
        -DGW_TEST_WITHOUT="$without"
}

# ThreadSanitizer's runtime fails when the kernel randomises more than 28 bits of the address space.
ctest_command() {
    local bits
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
    if [ "$1" = tsan ] && [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
        printf '%s\n' setarch -R
    fi
    echo ctest
}

# count ATTRIBUTE REPORT: a number in ctest's report; 0 when there is none.
count() {
    local number
    number=$(sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1)
    echo "${number:-0}"
}

# run_tests PART: adds the counts of ctest to the sums. A test that did not run counts as failed.
# Tests wait for timers and peers most of their time: twice as many as processors run at once.
run_tests() {
    local report=$gw_top/build/$1-tests.xml command status=0 all bad none=error
    [ -z "$only" ] || none=ignore
    mapfile -t command < <(ctest_command "$1")
    rm -f "$report"
    ran+=("$1")
    "${command[@]}" --preset "$1" -j $((2 * $(nproc))) --no-tests="$none" --output-junit "$report" \
        ${only:+-R "$only"} </dev/null 2>&1 || status=$?
    [ -e "$report" ] || : >"$report"
    all=$(count tests "$report")
    bad=$(($(count failures "$report") + $(count disabled "$report") + $(count skipped "$report")))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        bad=1
        all=$((all > 0 ? all : 1))
    fi
    passed=$((passed + all - bad))
    failed=$((failed + bad))
    result="$((all - bad)) passed, $bad failed"
}

# Checks the line coverage that the build has counted. Too little fails, unless only some tests ran.
measure() {
    if ! /usr/bin/python3 -B tools/coverage.py build/coverage ${only:+--part}; then
        failed=$((failed + 1))
        result="$result, coverage too small"
    fi
}

targets_of() {
    if [ "$1" = fuzz ]; then echo fuzzers; else echo all; fi
}

# begin_build PART: builds a part in the background, at low priority, while the tests of the part before
# it run. A process group of its own, so that an interrupted script ends all of it.
building=
begin_build() {
    set -m
    (renice -n 10 "$BASHPID" >/dev/null 2>&1 && build "$1" "$(targets_of "$1")") </dev/null &
    building=$!
    set +m
}

end_build() {
    local status=0
    wait "$building" || status=$?
    building=
    return "$status"
}

trap '[ -z "$building" ] || kill -- "-$building" 2>/dev/null || true' EXIT

# run_part PART [NEXT]: finishes the build of a part and runs its tests, while NEXT is built.
run_part() {
    local begin=$SECONDS built result status=0
    end_build || status=$?
    [ -z "${2:-}" ] || begin_build "$2"
    if [ "$status" != 0 ]; then
        failed=$((failed + 1))
        summary+=("$(printf '%-8s not built (%d s)' "$1" $((SECONDS - begin)))")
        return
    fi
    built=$SECONDS
    gw_say "$1: built, waited $((built - begin)) s"
    result="built, no tests"
    [ "$1" != coverage ] || find build/coverage -name '*.gcda' -delete
    [ "$1" = clang ] || run_tests "$1"
    [ "$1" != coverage ] || measure
    summary+=("$(printf '%-8s %s (build %d s, tests %d s)' "$1" "$result" \
        $((built - begin)) $((SECONDS - built)))")
}

gw_setup test
gw_say "all packages are installed ($SECONDS s)"
cd "$gw_top"
if [ -n "$list" ]; then
    build release help
    ctest --preset release -N ${only:+-R "$only"}
    exit 0
fi
begin_build "${parts[0]}"
for i in "${!parts[@]}"; do
    run_part "${parts[i]}" "${parts[i + 1]:-}"
done
if [ -n "$only" ] && [ $((passed + failed)) = 0 ]; then
    gw_say "no test matches '$only'"
    failed=1
fi
printf '\n'
# Tests by backend, workers and part.
mapfile -t reports < <(printf "$gw_top/build/%s-tests.xml\n" "${ran[@]}")
[ ${#ran[@]} = 0 ] || /usr/bin/python3 -B tools/test_table.py "${reports[@]}"
[ -z "$without" ] || echo "left out by --without: $without"
printf '\n'
printf '%s\n' "${summary[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
