"""tests/guard/guard.py check|renew|flat BUILD_TESTS, or self-test: counts instructions under callgrind.

  check      compares the cost of a message in net, session, protocol and protobuf-c with baseline.json;
             5 % more fails, with the names of the functions that grew
  renew      writes baseline.json for the compiler of this build; see ./tests/guard/renew.sh
  flat       compares the cost of a lookup, timer and close with 100 and with 15,000 sessions: at most 10 % more
  self-test  tests that check reports a function that grew

Each program runs twice, with few rounds and with more, and only the difference counts, so that startup is not
in the result. Nothing depends on a clock.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
TOLERANCE = 1.05
# For a compiler without a baseline: its numbers are near those of another, and not equal.
TOLERANCE_ELSEWHERE = 1.25
FLAT = 1.10
ROUNDS = (20, 60)
OPERATIONS = ("lookup", "timer-moved", "timer-fired", "close")
SESSIONS = (100, 15000)
TIMES = (20, 60)
OURS = re.compile(r"/(net|session|protocol|gen/proto|gen/session)/[^/]*(/[^/]*)?$|protobuf-c\.c$")
NOT_OURS = re.compile(r"/tests/|/tools/")


def costs_of(profile):
    """Instructions of each function itself, from a callgrind file; only functions of the library."""
    names, costs, function, skip = {}, {}, None, False

    def name_of(kind, text):
        number, _, name = re.match(r"(\(\d+\))( (.*))?", text).groups()
        name = name or names[kind, number]
        names[kind, number] = name
        return name

    source = shared = ""
    for line in profile.splitlines():
        found = re.match(r"(fl|fi|fe|fn|ob|cfi|cfl|cfn|cob)=(.*)", line)
        if found:
            key, text = found.groups()
            name = name_of({"fn": "fn", "cfn": "fn", "ob": "ob", "cob": "ob"}.get(key, "fl"), text)
            if key == "fl":
                source = name
            elif key == "ob":
                shared = name
            elif key == "fn":
                function = name if is_ours(source, shared) else None
        elif line.startswith("calls="):
            skip = True  # the next line is the cost of the callee
        elif re.match(r"[+\-*\d]", line):
            if not skip and function:
                costs[function] = costs.get(function, 0) + int(line.split()[1])
            skip = False
    return costs


def is_ours(source, shared):
    if "libprotobuf-c" in shared:
        return True
    return bool(OURS.search(source)) and not NOT_OURS.search(source.split("/gen/")[-1])


def count(program, *words):
    """Instructions by function, of one run under callgrind; and the output of the program."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out")
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q", str(program),
                               *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{program.name} {' '.join(map(str, words))}: status {done.returncode}\n{done.stderr}")
        return costs_of(out.read_text()), done.stdout


def difference(program, few, many, *words):
    """The cost of `many` minus that of `few`, by function."""
    less, _ = count(program, *words, few)
    more, said = count(program, *words, many)
    return {name: more[name] - less.get(name, 0) for name in more if more[name] != less.get(name, 0)}, said


def measure(build, scenario):
    """Instructions for each message, by function."""
    costs, said = difference(build / "guard_load", *ROUNDS, scenario)
    messages = int(said.split()[0]) * (ROUNDS[1] - ROUNDS[0])
    return {name: round(cost / messages, 3) for name, cost in costs.items()}


def measure_all(build):
    names = subprocess.run([str(build / "guard_load")], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return {name: measure(build, name) for name in names}


def compiler_of(build):
    """"GNU 12": the compiler and its major version, from the build's cache."""
    for path in pathlib.Path(build).resolve().parent.glob("CMakeFiles/*/CMakeCCompiler.cmake"):
        text = path.read_text()
        name = re.search(r'set\(CMAKE_C_COMPILER_ID "(\w+)"\)', text)[1]
        return name + " " + re.search(r'set\(CMAKE_C_COMPILER_VERSION "(\d+)', text)[1]
    return "?"


def grown(before, now):
    """The functions whose cost grew, the largest growth first."""
    more = {name: now.get(name, 0) - before.get(name, 0) for name in {*before, *now}}
    return sorted(((cost, name) for name, cost in more.items() if cost > 0.5), reverse=True)


def compare(scenario, before, now, tolerance):
    """A description of the excess, or an empty text."""
    was, costs = sum(before.values()), sum(now.values())
    if costs <= was * tolerance:
        return ""
    lines = [f"{scenario}: {costs:.0f} instructions for each message, before {was:.0f}; these functions grew:"]
    lines += [f"  {name}: {before.get(name, 0):.1f} -> {now.get(name, 0):.1f}" for _, name in grown(before, now)[:8]]
    return "\n".join(lines)


def check(build):
    baseline = json.loads(BASELINE.read_text())
    compiler = compiler_of(build)
    known = compiler in baseline
    tolerance = TOLERANCE if known else TOLERANCE_ELSEWHERE
    before = baseline[compiler if known else sorted(baseline)[0]]
    problems = []
    for scenario, now in measure_all(build).items():
        print(f"{scenario}: {sum(now.values()):.0f} instructions for each message, "
              f"{sum(before.get(scenario, {}).values()):.0f} before ({compiler}{'' if known else ', not recorded'})")
        problems.append(compare(scenario, before.get(scenario, {}), now, tolerance))
    problems = [problem for problem in problems if problem]
    print("\n".join(problems))
    if problems:
        print("If the growth is intended, ./tests/guard/renew.sh writes a new baseline.")
    return 1 if problems else 0


def renew(build):
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    baseline[compiler_of(build)] = measure_all(build)
    BASELINE.write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n")
    return 0


def flat_ratios(build):
    """For each operation: its instructions with many sessions, divided by those with few."""
    ratios = {}
    for operation in OPERATIONS:
        each = []
        for sessions in SESSIONS:
            costs, _ = difference(build / "guard_flat", *TIMES, operation, sessions)
            each.append(sum(costs.values()) / (TIMES[1] - TIMES[0]))
        print(f"{operation}: {each[0]:.0f} instructions with {SESSIONS[0]} sessions, {each[1]:.0f} with {SESSIONS[1]}",
              file=sys.stderr)
        ratios[operation] = each[1] / each[0]
    return ratios


def flat(build):
    ratios = flat_ratios(build)
    print(json.dumps(ratios))
    return 0 if all(1 / FLAT <= ratio <= FLAT for ratio in ratios.values()) else 1


PROFILE = """\
ob=(1) /b/guard_load
fl=(1) /s/net/ring.c
fn=(1) gw_ring_borrow
10 100
+1 11
calls=1 0
20 5000
fi=(2) /s/net/ring.h
30 7
fl=(3) /s/tests/guard/guard_pair.c
fn=(2) step
1 900
ob=(2) /usr/lib/libprotobuf-c.so.1
fl=(4) ???
fn=(3) pack
0 50
"""


def self_test():
    """Checks what is counted, and that a function that grew is named."""
    assert costs_of(PROFILE) == {"gw_ring_borrow": 118, "pack": 50}, costs_of(PROFILE)
    before = {"a": 100.0, "b": 300.0}
    assert compare("x", before, {"a": 119.0, "b": 300.0}, TOLERANCE) == ""
    said = compare("x", before, {"a": 122.0, "b": 299.0, "c": 1.0}, TOLERANCE)
    assert said.splitlines()[1:] == ["  a: 100.0 -> 122.0", "  c: 0.0 -> 1.0"], said
    return 0


def main():
    commands = {"check": check, "renew": renew, "flat": flat}
    if sys.argv[1:] == ["self-test"]:
        return self_test()
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    return commands[sys.argv[1]](pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
