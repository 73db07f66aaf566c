"""tests/tools/test_test_table.py: Tests of the table of tests, backends, workers and builds."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import test_table  # noqa: E402

SKIPPED = '<skipped message="SKIP_RETURN_CODE=77"/>'


def report(*cases):
    return "<testsuite>" + "".join(
        f'<testcase name="{name}" status="{status}">{inside}</testcase>' for name, status, inside in cases
    ) + "</testsuite>"


class Rows(unittest.TestCase):
    def lines(self, *reports):
        table = test_table.Table()
        for preset, text in reports:
            table.add_report(preset, text)
        return [line.split() for line in table.lines()]

    def test_a_test_has_a_row_for_each_backend_and_number_of_workers(self):
        lines = self.lines(("release", report(("net_contract_epoll_1", "run", ""),
                                              ("net_contract_uring-tiny_2", "run", ""),
                                              ("idle_memory_uring", "run", ""), ("test_x", "run", ""))),
                           ("asan", report(("net_contract_epoll_1", "run", ""))))
        self.assertEqual(lines, [
            ["test", "backend", "workers", "release", "asan"],
            ["idle_memory", "uring", "ok"],
            ["net_contract", "epoll", "1", "ok", "ok"],
            ["net_contract", "uring-tiny", "2", "ok"],
            ["all", "others", "1", "ok", "0", "ok"]])

    def test_a_test_that_failed_or_did_not_run_is_not_ok(self):
        lines = self.lines(("tsan", report(
            ("scenario_a_epoll_1", "fail", '<failure message=""/>'), ("scenario_a_epoll_4", "notrun", ""),
            ("test_x", "fail", '<failure message=""/>'), ("test_y", "run", ""))))
        self.assertEqual(lines[1:], [["scenario_a", "epoll", "1", "FAILED"],
                                     ["scenario_a", "epoll", "4", "not", "run"],
                                     ["all", "others", "1", "FAILED"]])

    def test_a_backend_that_the_kernel_refused_is_not_ok_and_has_a_reason(self):
        output = "<system-out>uring: io_uring refused by this kernel: EPERM\n</system-out>"
        table = test_table.Table()
        table.add_report("release", report(("net_contract_uring_1", "notrun", SKIPPED + output)))
        text = "\n".join(table.lines())
        self.assertRegex(text, r"net_contract +uring +1 +refused")
        self.assertIn("uring: io_uring refused by this kernel: EPERM", text)
        self.assertNotIn("ok\n", text.split("all others")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
