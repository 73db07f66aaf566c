#!/bin/bash
# tools/run.sh [--windows] [OPTIONS OF THE SERVER]: installs, builds, and runs the server in the foreground;
# with --windows the Windows server, under Wine.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname -- "$0")/setup.sh"
if [ "${1:-}" = --windows ]; then
    shift
    # shellcheck source=tools/windows.sh
    . "$gw_top/tools/windows.sh"
    gw_windows_serve "$@"
    exit
fi
gw_build_programs
exec "$gw_top/build/release/gangway-server" "$@"
