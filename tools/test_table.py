#!/usr/bin/env python3
"""tools/test_table.py REPORT...: a table of test results by backend, workers and build.

Each REPORT is a JUnit file of ctest, PRESET-tests.xml. A test whose name ends in
_BACKEND or _BACKEND_WORKERS has a row; the rest are counted. The reason of a test that the
kernel refused is printed under the table; it counts as not passed.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree

BACKENDS = ("iocp", "uring-tiny", "uring", "epoll")
NAME = re.compile(rf"^(?P<test>.+?)_(?P<backend>{'|'.join(BACKENDS)})(?:_(?P<workers>\d+))?$")
REFUSAL = re.compile(r"^(?:iocp|uring|epoll)\S*: (.+)$", re.MULTILINE)
PASSED, FAILED, REFUSED, NOT_RUN = "ok", "FAILED", "refused", "not run"


class Table:
    """Rows of (test, backend, workers), a column for each preset, and why a kernel refused."""

    def __init__(self):
        self.presets, self.rows, self.reasons, self.others = [], {}, {}, {}

    def add_report(self, preset, text):
        self.presets.append(preset)
        for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
            self.add_case(preset, case)

    def add_case(self, preset, case):
        found, result = NAME.match(case.get("name")), result_of(case)
        if not found:
            self.others.setdefault(preset, []).append(result)
            return
        row = (found["test"], found["backend"], int(found["workers"] or 0))
        self.rows.setdefault(row, {})[preset] = result
        if result == REFUSED:
            self.reasons[found["backend"]] = reason_of(case)

    def lines(self):
        rows = [("test", "backend", "workers", *self.presets)]
        for row in sorted(self.rows):
            test, backend, workers = row
            rows.append((test, backend, str(workers or ""),
                         *(self.rows[row].get(preset, "") for preset in self.presets)))
        rows.append(("all others", "", "", *(self.sum_of(preset) for preset in self.presets)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        return lines + [f"{backend}: {reason}" for backend, reason in sorted(self.reasons.items())]

    def sum_of(self, preset):
        results = self.others.get(preset, [])
        passed = sum(result == PASSED for result in results)
        return f"{passed} {PASSED}" if passed == len(results) else f"{len(results) - passed} {FAILED}"


def output_of(case):
    output = case.find("system-out")
    return output.text or "" if output is not None else ""


def reason_of(case):
    found = REFUSAL.search(output_of(case))
    return found.group(1) if found else "it does not say why"


def result_of(case):
    status = case.get("status")
    if status == "run" and case.find("failure") is None:
        return PASSED
    if case.find("skipped") is not None and "SKIP_RETURN_CODE" in case.find("skipped").get("message", ""):
        return REFUSED
    return FAILED if status == "fail" or case.find("failure") is not None else NOT_RUN


def main(paths):
    table = Table()
    for path in map(pathlib.Path, paths):
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if text.strip():
            table.add_report(path.name.removesuffix("-tests.xml"), text)
    if table.rows:
        print("\n".join(table.lines()))


if __name__ == "__main__":
    main(sys.argv[1:])
