#!/bin/bash
# tools/test.sh: installs what is missing, builds everything, and runs every test.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"

usage="tools/test.sh [--preset NAME | --coverage | --windows] [--only REGEX] [--without BACKEND] [--list] [--help]

Builds everything, warnings being errors, and runs the tests, in these parts:

  release   as players meet it
  asan      with AddressSanitizer and UndefinedBehaviorSanitizer
  tsan      with ThreadSanitizer
  clang     built by the other compiler; no tests
  fuzz      what libFuzzer finds in a short while

  --preset NAME   this part alone
  --coverage      instead, what of net, protocol and session the tests run; 90 % of the lines must
  --windows       instead, all tests of the Windows programs, under Wine
  --only REGEX    only the tests whose name matches; with --coverage, whatever they run is enough
  --without BACKEND
                  this machine is known not to have it (uring in many containers): its tests are left
                  out, where otherwise a test that the kernel refuses has failed
  --list          name the tests, run none"

parts=(release asan tsan clang fuzz)
only=
list=
windows=
without=

refuse() {
    gw_say "$1; tools/test.sh --help tells the options"
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
# A build without tests proves nothing about the tests that were asked for.
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

# ThreadSanitizer's runtime wants more order in the address space than kernels with many random
# bits leave it.
ctest_command() {
    local bits
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
    if [ "$1" = tsan ] && [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
        printf '%s\n' setarch -R
    fi
    echo ctest
}

# count ATTRIBUTE REPORT: a number of ctest's report; 0 when there is none.
count() {
    local number
    number=$(sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1)
    echo "${number:-0}"
}

# run_tests PART: adds what ctest counted to the sums. A test that did not run has failed.
run_tests() {
    local report=$gw_top/build/$1-tests.xml command status=0 all bad none=error
    [ -z "$only" ] || none=ignore
    mapfile -t command < <(ctest_command "$1")
    rm -f "$report"
    ran+=("$1")
    "${command[@]}" --preset "$1" -j "$(nproc)" --no-tests="$none" --output-junit "$report" \
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

# What the tests have run, counted by the build. Less than enough is a failure, unless only some tests ran.
measure() {
    if ! /usr/bin/python3 -B tools/coverage.py build/coverage ${only:+--part}; then
        failed=$((failed + 1))
        result="$result, coverage too small"
    fi
}

run_part() {
    local begin=$SECONDS built result targets=all
    [ "$1" != fuzz ] || targets=fuzzers
    if ! build "$1" "$targets"; then
        failed=$((failed + 1))
        summary+=("$(printf '%-8s not built (%d s)' "$1" $((SECONDS - begin)))")
        return
    fi
    built=$SECONDS
    gw_say "$1: built in $((built - begin)) s"
    result="built, no tests"
    [ "$1" != coverage ] || find build/coverage -name '*.gcda' -delete
    [ "$1" = clang ] || run_tests "$1"
    [ "$1" != coverage ] || measure
    summary+=("$(printf '%-8s %s (build %d s, tests %d s)' "$1" "$result" \
        $((built - begin)) $((SECONDS - built)))")
}

gw_setup test
gw_say "everything needed is here ($SECONDS s)"
cd "$gw_top"
if [ -n "$list" ]; then
    build release help
    ctest --preset release -N ${only:+-R "$only"}
    exit 0
fi
for part in "${parts[@]}"; do
    run_part "$part"
done
if [ -n "$only" ] && [ $((passed + failed)) = 0 ]; then
    gw_say "no test matches '$only'"
    failed=1
fi
printf '\n'
# Tests by backend, workers and part.
mapfile -t reports < <(printf "$gw_top/build/%s-tests.xml\n" "${ran[@]}")
[ ${#ran[@]} = 0 ] || /usr/bin/python3 -B tools/test_table.py "${reports[@]}"
[ -z "$without" ] || echo "without $without, as asked"
printf '\n'
printf '%s\n' "${summary[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
