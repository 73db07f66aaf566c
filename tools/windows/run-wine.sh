#!/bin/bash
# tools/windows/run-wine.sh PROGRAM.exe [ARGUMENTS]: runs a Windows program like a native one.
#
# Executes the program in place of this process, so that it gets the signals: SIGINT is its Ctrl-C. Output
# must not be a terminal, where Wine prints escape sequences.
#
# GW_WINE_PREFIX  the Wine prefix [build/windows/wine]; created when it does not exist
# GW_WINE_AWAKE   not empty: another program runs in the prefix until this one has ended
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export WINEPREFIX=${GW_WINE_PREFIX:-$here/../../build/windows/wine}
export WINEDEBUG=${WINEDEBUG:--all}
# Without .NET, browser, windows, and a debugger that waits for input.
export WINEDLLOVERRIDES="mscoree=;mshtml=;winedbg.exe=d"
unset DISPLAY
# All sockets of all programs are descriptors of wineserver, which inherits this limit.
ulimit -n "$(ulimit -Hn)"

# Wine's services inherit the output of the program that starts them, and keep it open for seconds after
# its end; a reader of the output waits for them. So an idle program starts them first, in a session of its
# own, where a terminal's Ctrl-C does not reach it.
[ -n "${GW_WINE_AWAKE:-}" ] || setsid --wait wine cmd /c exit </dev/null >/dev/null 2>&1
[ $# -gt 0 ] || exit 0
exec wine "$@"
