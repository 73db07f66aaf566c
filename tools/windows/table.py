"""tools/windows/table.py LINUX_LIST NOT_APPLICABLE REPORT...: a table of the test results on Windows.

LINUX_LIST is the output of `ctest --show-only=json-v1` for the native build, NOT_APPLICABLE has a line
"test: reason" for each test that the target does not have, and a REPORT is a JUnit file of ctest.
A test of the native build that is in none of them counts as failed; a later report replaces the results
of an earlier one.

tools/windows/table.py --silent REPORT: the names of the tests that failed within a second and without
output, separated by |.
"""

import json
import re
import sys
import xml.etree.ElementTree

BACKEND = re.compile(r"_(?:epoll|uring-tiny|uring|iocp)(-filtered)?(?=_|$)")


SILENT_S = 1


def silent_of(path):
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        if case.get("status") == "fail" and not output.strip() and float(case.get("time")) < SILENT_S:
            yield case.get("name")


def row_of(name):
    """The row of a test: the same for each backend it is run on."""
    return BACKEND.sub(lambda found: "_*" + (found.group(1) or ""), name)


def results_of(path):
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        status = {"run": "passed", "fail": "FAILED"}.get(case.get("status"), "NOT RUN")
        yield row_of(case.get("name")), f"{status} ({float(case.get('time')):.1f} s)"


def reasons_of(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, reason = line.rstrip("\n").split(": ", 1)
            yield row_of(name), f"not applicable: {reason}"


def names_of(path):
    with open(path, encoding="utf-8") as file:
        return [row_of(test["name"]) for test in json.load(file)["tests"]]


def table(names, reasons, results):
    """The rows in order: those of Linux first, then what Windows has beside them."""
    rows = dict.fromkeys([*names, *results], "FORGOTTEN: neither run nor not applicable")
    rows.update((row, reason) for row, reason in reasons.items() if row in rows)
    rows.update(results)
    return rows


def main(names, reasons, *reports):
    results = {row: result for report in reports for row, result in results_of(report)}
    rows = table(names_of(names), dict(reasons_of(reasons)), results)
    width = max(map(len, rows))
    print(f"{'test':{width}}  iocp, under Wine")
    for row, result in rows.items():
        print(f"{row:{width}}  {result}")
    bad = [row for row, result in rows.items() if result.startswith(("FAILED", "NOT RUN", "FORGOTTEN"))]
    passed = sum(result.startswith("passed") for result in rows.values())
    print(f"{passed} passed, {len(bad)} failed, {len(rows) - passed - len(bad)} not applicable")
    return 1 if bad else 0


if __name__ == "__main__":
    if sys.argv[1] == "--silent":
        print("|".join(silent_of(sys.argv[2])))
        sys.exit()
    sys.exit(main(*sys.argv[1:]))
