#!/bin/bash
# tools/windows/run-wine.sh PROGRAM.exe [ARGUMENTS]: runs a Windows program, as if it were one of ours.
#
# It becomes the program, so a signal for this process is one for it: SIGINT is its Ctrl-C. Output is
# not to be a terminal, on which Wine would paint.
#
# GW_WINE_PREFIX  the Wine to run in [build/windows/wine]; it is made when it is not there
# GW_WINE_AWAKE   not empty: some program is running there for as long as this one does
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export WINEPREFIX=${GW_WINE_PREFIX:-$here/../../build/windows/wine}
export WINEDEBUG=${WINEDEBUG:--all}
# Nobody needs its .NET and its browser, nor a window, nor a debugger that waits for somebody.
export WINEDLLOVERRIDES="mscoree=;mshtml=;winedbg.exe=d"
unset DISPLAY
# All sockets of all programs are descriptors of Wine's own server, which inherits this limit.
ulimit -n "$(ulimit -Hn)"

# Wine's services inherit the output of the program that makes them start, and keep it open for
# seconds after that has ended; who waits for its end waits for them. So an idle one comes first, out
# of the reach of a terminal's Ctrl-C.
[ -n "${GW_WINE_AWAKE:-}" ] || setsid --wait wine cmd /c exit </dev/null >/dev/null 2>&1
[ $# -gt 0 ] || exit 0
exec wine "$@"
