"""tools/bench/bench.py BUILD [--quick] [--only REGEX] [--repeats COUNT]: the benchmark: runs the plan, and reports.

The servers of a cell run one after another in each round, so that other load of the machine affects all of them; every
second round has the opposite order. Results go to BUILD/bench/results.json and results.md. The exit
status is 1 when a run failed, or is invalid because the raw server is too far from the floor; a missed row is
a result, not a failure.
"""

import argparse
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

import plan
import report
import run

TIMES = {True: ("--warm-ms", "300", "--run-ms", "1000"), False: ("--warm-ms", "500", "--run-ms", "1500")}
SYSCALL_CELLS = (plan.BY_THE_FLOOR, plan.DEPTH_16, plan.ROOM)


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench.sh", description="Measures Gangway against raw servers and libuv.")
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one cell for each row of the table; under 10 minutes")
    parser.add_argument("--only", default="", metavar="REGEX", help="only cells whose name matches")
    parser.add_argument("--repeats", type=int, metavar="COUNT", help="runs of each cell and server [5; quick: 7]")
    options = parser.parse_args()
    options.repeats = options.repeats or (7 if options.quick else 5)
    return options


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run_one(options, cell, server):
    """Returns the counts, or None for a failed run."""
    try:
        return run.measure(options.build, cell, server, TIMES[options.quick])
    except (run.Failed, subprocess.TimeoutExpired) as why:
        say(f"FAILED: {why}")
        return None


def run_all(options, cells, results):
    """Returns how many runs failed."""
    absent, failed = set(), 0
    for repeat in range(options.repeats):
        for cell in cells:
            begun = time.monotonic()
            for server in cell.servers[::1 if repeat % 2 == 0 else -1]:
                if (server.program, server.words[0]) in absent:
                    continue
                try:
                    result = run_one(options, cell, server)
                except run.Absent as why:
                    say(f"{server.name} is left out: {why}")
                    absent.add((server.program, server.words[0]))
                else:
                    results.add(cell, server, result)
                    failed += result is None
            say(f"{repeat + 1}/{options.repeats}  {cell.name}  ({time.monotonic() - begun:.0f} s)")
    return failed


def count_syscalls(options, cells, results, folder):
    if shutil.which("strace") is None:
        say("strace is not here: system calls are not counted")
        return
    for cell in cells:
        for server in cell.servers if cell in SYSCALL_CELLS else ():
            if server.name not in results.runs.get(cell.name, {}) or server == plan.FLOOR:
                continue
            try:
                each = run.count_syscalls(options.build, cell, server, folder)
                results.notes.setdefault("syscalls", {}).setdefault(cell.name, {})[server.name] = each
            except (run.Failed, subprocess.SubprocessError, OSError, TypeError) as why:
                say(f"system calls of {server.name}: {why}")


def count_instructions(options, results):
    """The flat rows of the guard, counted under callgrind."""
    guard = pathlib.Path(__file__).parents[2] / "tests" / "guard" / "guard.py"
    programs = pathlib.Path(options.build, "tests")
    if not (programs / "guard_flat").exists() or shutil.which("valgrind") is None:
        say("the guard was not built, or valgrind is not here: instructions are not counted")
        return
    done = subprocess.run([sys.executable, "-B", str(guard), "flat", str(programs)], stdout=subprocess.PIPE, text=True)
    if done.stdout:
        results.notes["flat"] = json.loads(done.stdout)


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{model[1] if model else platform.machine()}, {platform.system()} {platform.release()}"


def write(options, results, cells, valid, folder):
    """Returns the report as lines."""
    lines = [f"Machine: {machine()}. Medians of {options.repeats} runs, interleaved.", "", valid, ""]
    lines += report.table(results)
    lines += report.detail(results, cells)
    (folder / "results.md").write_text("\n".join(lines) + "\n")
    (folder / "results.json").write_text(json.dumps(
        {"machine": machine(), "runs": results.runs, "notes": results.notes}, indent=1) + "\n")
    return lines


def main():
    options = arguments()
    folder = pathlib.Path(options.build, "bench")
    folder.mkdir(parents=True, exist_ok=True)
    cells = [cell for cell in (plan.QUICK if options.quick else plan.FULL) if re.search(options.only, cell.name)]
    if any(server.tls for cell in cells for server in cell.servers) and shutil.which("openssl"):
        run.make_certificate(options.build, plan.TLS_NAME)
    results = report.Results()
    failed = run_all(options, cells, results)
    if not options.quick:
        count_syscalls(options, cells, results, folder)
    if not options.only:
        count_instructions(options, results)
    valid, line = report.floor_line(results)
    lines = write(options, results, cells, line, folder)
    print("\n".join(lines))
    if not valid and plan.BY_THE_FLOOR in cells:
        say("the raw server is too far from the floor: this run says nothing")
    return 1 if failed or (not valid and plan.BY_THE_FLOOR in cells) else 0


if __name__ == "__main__":
    sys.exit(main())
