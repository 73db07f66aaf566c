#!/bin/bash
# tools/dummy.sh [OPTIONS OF THE DUMMY CLIENT]: installs, builds, and runs the dummy client.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"
gw_build_programs
exec "$gw_top/build/release/gangway-dummy" "$@"
