"""tests/tools/test_bench_report.py: Tests of the benchmark report with known figures."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools" / "bench"))

import plan  # noqa: E402
import report  # noqa: E402

RAW, OURS, URING = plan.RAW_EPOLL, plan.GANGWAY_EPOLL, plan.GANGWAY_URING


def results_of(*cells):
    """Results of (cell, server, nanoseconds of each round); None is a run that failed."""
    results = report.Results()
    for cell, server, figures in cells:
        for figure in figures:
            results.add(cell, server, figure and {"cpu_ns_each": figure})
    return results


def row_of(results, beginning):
    return next(row for row in report.rows(results) if row.text.startswith(beginning))


class Rows(unittest.TestCase):
    def test_a_ratio_compares_runs_of_one_round(self):
        """The machine became twice as slow after the first round; medians would say 1.5 or 0.75."""
        results = results_of((plan.DEPTH_16, RAW, [100, 200, 200]), (plan.DEPTH_16, OURS, [110, 220, 220]))
        row = row_of(results, "depth 16, 128 B, gangway epoll")
        self.assertAlmostEqual(row.value, 1.1)
        self.assertEqual(row.middle_half, "1.10 to 1.10")
        self.assertEqual(row.result, "reached")

    def test_a_failed_run_is_left_out(self):
        results = results_of((plan.DEPTH_16, RAW, [100, None, 400, 100]), (plan.DEPTH_16, OURS, [130, 130, 520, None]))
        row = row_of(results, "depth 16, 128 B, gangway epoll")
        self.assertEqual(row.values, [1.3, None, 1.3, None])
        self.assertEqual(row.result, "a tie")
        self.assertEqual(results.median(plan.DEPTH_16, RAW.name), 100)

    def test_a_mean_is_geometric_and_the_worst_cell_has_a_name(self):
        results = results_of((plan.DEPTH_16, RAW, [100, 100]), (plan.DEPTH_16, OURS, [100, 100]),
                             (plan.BURST, RAW, [100, 100]), (plan.BURST, OURS, [400, 225]))
        mean = row_of(results, "echo, gangway epoll / raw epoll, geometric mean of 2")
        self.assertEqual([round(value, 6) for value in mean.values], [2.0, 1.5])
        worst = row_of(results, "gangway epoll / raw epoll, worst cell")
        self.assertIn(plan.BURST.name, worst.text)
        self.assertAlmostEqual(worst.value, 3.125)
        self.assertEqual(worst.result, "MISSED")

    def test_against_libuv_the_better_backend_counts(self):
        results = results_of((plan.BURST, plan.LIBUV, [100, 100]), (plan.BURST, OURS, [120, 120]),
                             (plan.BURST, URING, [90, 90]))
        self.assertAlmostEqual(row_of(results, "echo, best backend / libuv").value, 0.9)

    def test_the_cost_of_the_whole_path_is_a_difference(self):
        results = results_of((plan.DEPTH_16, OURS, [500, 900]), (plan.whole_way(), OURS, [600, 1010]))
        self.assertEqual(row_of(results, "whole way less raw entry, depth 16, 128 B, gangway epoll").value, 105)

    def test_memory_has_no_tie(self):
        results = report.Results()
        results.add(plan.ALONE, OURS, {"private_bytes_each": 512.5})
        row = row_of(results, "idle session, greeted and alone, gangway epoll")
        self.assertEqual((row.result, row.middle_half), ("MISSED", "-"))

    def test_a_row_that_was_not_run_is_not_reached(self):
        for row in report.rows(report.Results()):
            self.assertEqual(row.result, "not measured", row.text)
        valid, line = report.floor_line(report.Results())
        self.assertFalse(valid, line)

    def test_the_table_has_each_row(self):
        results = results_of((plan.BY_THE_FLOOR, RAW, [140]), (plan.BY_THE_FLOOR, plan.FLOOR, [100]))
        lines = list(report.table(results))
        self.assertEqual(len(lines), 2 + len(list(report.rows(results))))
        self.assertTrue(report.floor_line(results)[0])


if __name__ == "__main__":
    unittest.main()
