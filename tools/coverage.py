#!/usr/bin/env python3
"""tools/coverage.py BUILD [--part]: line coverage of net, protocol and session.

BUILD is a build with gcc --coverage whose tests have run; gcov, which comes with gcc, prints the
counts. Fails when less than 90 % of the lines have run, or when a line of the files in COMPLETE has not
run and is not in tools/coverage-exceptions.txt. With --part only some of the tests have run: then
there is no minimum.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("net", "protocol", "session")
PERCENT_MIN = 90
COMPLETE = ("protocol/frame.h", "net/ring.c", "net/ring.h", "net/turn.c", "net/buf.c",
            "session/slots.c")
EXCEPTIONS = TREE / "tools/coverage-exceptions.txt"

# What an assertion does when it fails is not run by tests.
ASSERTION = re.compile(r"\bassert\(")


class File:
    """What has run of a file: how often each line, and each way out of it."""

    def __init__(self, path):
        self.path = path
        self.text = (TREE / path).read_text().splitlines()
        self.lines = collections.Counter()
        self.branches = {}

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        counts = [branch["count"] for branch in line["branches"]]
        if counts and not ASSERTION.search(self.text[number - 1]):
            before = self.branches.get(number, [0] * len(counts))
            self.branches[number] = [a + b for a, b in zip(before, counts)]

    def line_counts(self):
        return sum(count > 0 for count in self.lines.values()), len(self.lines)

    def branch_counts(self):
        ways = [count for counts in self.branches.values() for count in counts]
        return sum(count > 0 for count in ways), len(ways)

    def missed(self):
        return [number for number, count in sorted(self.lines.items()) if count == 0]


def source_of(name, folder):
    """The file below the folders that gcov means, or None."""
    path = (pathlib.Path(folder) / name).resolve()
    if not path.is_relative_to(TREE):
        return None
    path = path.relative_to(TREE)
    return path if path.parts[0] in FOLDERS else None


def read(build):
    """What has run, by path; a header is counted in all that include it."""
    files = {}
    for note in sorted(path for folder in FOLDERS for path in (build / folder).rglob("*.gcno")):
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", note],
                              check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for document in map(json.loads, done.stdout.splitlines()):
            for entry in document["files"]:
                path = source_of(entry["file"], document["current_working_directory"])
                if path:
                    file = files.setdefault(str(path), File(path))
                    for line in entry["lines"]:
                        file.add(line)
    return files


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def total(counts):
    return [sum(column) for column in zip(*counts)]


def row(name, files):
    numbers = ""
    for kind in File.line_counts, File.branch_counts:
        run, all_ = total(map(kind, files))
        numbers += f"{run:7} of {all_:5} {percent(run, all_):6.1f} %"
    return f"{name:28}{numbers}"


def print_table(files):
    print(f"{'run by the tests':28}{'lines':>24}{'branches':>24}")
    for folder in FOLDERS:
        inside = {path: file for path, file in sorted(files.items()) if path.startswith(folder + "/")}
        for path, file in inside.items():
            print(row(path, [file]))
        print(row(f"  {folder}", inside.values()), "\n")
    print(row("  all three", files.values()))


def exceptions():
    """The reasons, by path and text of a line."""
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if line and not line.startswith("#")]
    return {(path, text): reason for path, text, reason in (line.split(" | ") for line in lines)}


def print_missed(files):
    """Prints what has not run of the files that should be complete. What is wrong with that."""
    reasons, findings = exceptions(), []
    print("\nnot run in " + ", ".join(COMPLETE) + ":")
    for path in COMPLETE:
        if path not in files:
            findings.append(f"nothing is known of {path}")
            continue
        unexcused = 0
        for number in files[path].missed():
            text = files[path].text[number - 1].strip()
            reason = reasons.get((path, text))
            print(f"  {path}:{number}: {text}   ({reason or 'NO EXCEPTION'})")
            unexcused += reason is None
        if unexcused:
            findings.append(f"{path}: {unexcused} lines have not run, and are no exceptions")
    findings += [f"{EXCEPTIONS.name}: {path} has no line '{text}'" for path, text in reasons
                 if path in files and text not in map(str.strip, files[path].text)]
    return findings


def main():
    files = read(pathlib.Path(sys.argv[1]).resolve())
    if not files:
        sys.exit(f"coverage: nothing has been counted in {sys.argv[1]}")
    print_table(files)
    if sys.argv[2:] == ["--part"]:
        return
    findings = print_missed(files)
    lines = percent(*total(map(File.line_counts, files.values())))
    if lines < PERCENT_MIN:
        findings.append(f"{lines:.1f} % of the lines have run, {PERCENT_MIN} % should")
    for finding in findings:
        print(f"coverage: {finding}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
