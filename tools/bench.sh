#!/bin/bash
# tools/bench.sh: the benchmark: installs, builds, measures. See --help.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"

gw_setup bench
gw_build release "bench-programs guard_flat" -DGW_BUILD_TESTS=ON
exec /usr/bin/python3 -B "$gw_top/tools/bench/bench.py" "$gw_top/build/release" "$@"
