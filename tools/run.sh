#!/bin/bash
# tools/run.sh [OPTIONS OF THE SERVER]: installs what is missing, builds, and serves in the foreground.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"
gw_build_programs
exec "$gw_top/build/release/gangway-server" "$@"
