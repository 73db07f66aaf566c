#!/bin/bash
# tests/guard/renew.sh: a new baseline.json of instruction counts, to be committed.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/../../tools/setup.sh"

gw_setup test
gw_build release "guard_load" -DGW_BUILD_TESTS=ON
exec /usr/bin/python3 -B "$gw_top/tests/guard/guard.py" renew "$gw_top/build/release/tests"
