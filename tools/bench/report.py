"""tools/bench/report.py: medians and their spread, and what they say of each row."""

import math
import statistics

import plan

TIE = 1.10  # on a shared machine


class Results:
    """All runs: for each cell and server, a list of what was counted."""

    def __init__(self):
        self.runs = {}
        self.notes = {}  # further numbers: system calls, instructions

    def add(self, cell, server, result):
        self.runs.setdefault(cell.name, {}).setdefault(server.name, []).append(result)

    def median(self, cell, server, what="cpu_ns_each"):
        runs = self.runs.get(cell.name, {}).get(server, [])
        return statistics.median(run[what] for run in runs) if runs else None

    def spread(self, cell, server, what="cpu_ns_each"):
        """The largest less the smallest, as a part of the median."""
        values = [run[what] for run in self.runs[cell.name][server]]
        middle = statistics.median(values)
        return (max(values) - min(values)) / middle if middle else 0.0

    def ratio(self, cell, server, other):
        over, under = self.median(cell, server), self.median(cell, other)
        return over / under if over and under else None


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def verdict(value, limit, tie=TIE):
    """At most `limit` is wanted."""
    if value is None:
        return "not measured"
    return "reached" if value <= limit else "a tie" if value <= limit * tie else "MISSED"


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def echo_cells(results):
    return [cell for cell in [*plan.QUICK, *plan.ECHO_CELLS]
            if cell.name in results.runs and cell.name.startswith("echo") and "whole" not in cell.name]


def unique(cells):
    return list({cell.name: cell for cell in cells}.values())


def rows(results):
    """(row, value, limit, verdict) for each row of the table."""
    cells = unique(echo_cells(results))
    gangways = [server.name for server in plan.ALL if server.gangway]
    for name in gangways:
        ratios = {cell.name: results.ratio(cell, name, plan.RAW_OF[name]) for cell in cells}
        ratios = {cell: ratio for cell, ratio in ratios.items() if ratio}
        mean = geometric_mean(ratios.values()) if ratios else None
        worst = max(ratios.values(), default=None)
        yield f"echo, {name} / {plan.RAW_OF[name]}, geometric mean of {len(ratios)}", mean, 1.15, verdict(mean, 1.15)
        yield f"echo, {name} / {plan.RAW_OF[name]}, worst cell", worst, 1.25, verdict(worst, 1.25)
    best = [min((ratio for ratio in (results.ratio(cell, name, plan.LIBUV.name) for name in gangways) if ratio),
                default=None) for cell in cells]
    best = [ratio for ratio in best if ratio]
    mean = geometric_mean(best) if best else None
    yield f"echo, best backend / libuv, geometric mean of {len(best)}", mean, 1.0, verdict(mean, 1.0)
    for name in gangways:
        ratio = results.ratio(plan.DEPTH_16, name, plan.RAW_OF[name])
        yield f"depth 16, 128 B, {name} / {plan.RAW_OF[name]}", ratio, 1.25, verdict(ratio, 1.25)
    for name in gangways:
        ratio = results.ratio(plan.BURST, name, plan.RAW_EPOLL.name)
        yield f"bursts of 16 x 1 KiB, {name} / raw epoll", ratio, 1.25, verdict(ratio, 1.25)
    for name in gangways:
        ratio = results.ratio(plan.ROOM, name, plan.RAW_OF[name])
        yield f"group of 100, ns per delivery, {name} / {plan.RAW_OF[name]}", ratio, 1.25, verdict(ratio, 1.25)
        ratio = results.ratio(plan.ROOM, name, plan.LIBUV_PER_FRAME.name)
        yield f"group of 100, ns per delivery, {name} / libuv, a write per frame", ratio, 0.1, verdict(ratio, 0.1)
    for name in gangways:
        whole, raw = results.median(plan.whole_way(), name), results.median(plan.DEPTH_16, name)
        more = whole - raw if whole and raw else None
        yield f"whole way less raw entry, depth 16, 128 B, {name}, ns", more, 300, verdict(more, 300)
    for name in gangways:
        alone = results.median(plan.ALONE, name, "private_bytes_each")
        yield f"idle session, greeted and alone, {name}, bytes", alone, 512, verdict(alone, 512, 1.0)
        in_room = results.median(plan.IN_A_ROOM, name, "private_bytes_each")
        yield f"idle session, in a room of 100, {name}, bytes", in_room, 1024, verdict(in_room, 1024, 1.0)
    for name, value in sorted(results.notes.get("flat", {}).items()):
        yield f"{name}, instructions at 15,000 / at 100 sessions", value, 1.10, verdict(value, 1.10, 1.0)


def floor_line(results):
    """The raw server against recv and send alone; above the limit the run says nothing."""
    limit = 1.4
    ratio = results.ratio(plan.BY_THE_FLOOR, plan.RAW_EPOLL.name, plan.FLOOR.name)
    valid = ratio is not None and ratio <= limit
    return valid, f"raw epoll / recv and send alone: {number(ratio)} (valid up to {limit})"


def table(results):
    yield "| row | measured | limit | |"
    yield "|---|---:|---:|---|"
    for row, value, limit, said in rows(results):
        yield f"| {row} | {number(value)} | {number(limit)} | {said} |"


def detail(results, cells):
    """All medians: nanoseconds for each message, delivery or connection, and bytes for each session."""
    for cell in cells:
        servers = results.runs.get(cell.name)
        if not servers:
            continue
        yield ""
        yield f"**{cell.name}**"
        yield ""
        idle = cell.name.startswith("idle")
        yield from idle_table(results, cell, servers) if idle else busy_table(results, cell, servers)


def idle_table(results, cell, servers):
    yield "| server | bytes of user memory for each |"
    yield "|---|---:|"
    for name in servers:
        yield f"| {name} | {number(results.median(cell, name, 'private_bytes_each'), 0)} |"


def busy_table(results, cell, servers):
    paced = "--rate" in cell.words
    syscalls = results.notes.get("syscalls", {}).get(cell.name, {})
    yield ("| server | CPU ns each | spread | each per second | sleeps each |"
           + (" p50 us | p99 us | p99.9 us |" if paced else "") + (" system calls each |" if syscalls else ""))
    yield "|---|---:|---:|---:|---:|" + ("---:|" * 3 if paced else "") + ("---:|" if syscalls else "")
    for name in servers:
        cells = [number(results.median(cell, name), 0), f"{results.spread(cell, name):.0%}",
                 number(results.median(cell, name, "per_second"), 0),
                 number(results.median(cell, name, "wakes_each"), 4)]
        if paced:
            cells += [number(results.median(cell, name, key), 0) for key in ("p50_us", "p99_us", "p999_us")]
        if syscalls:
            cells.append(number(syscalls.get(name), 3))
        yield f"| {name} | " + " | ".join(cells) + " |"
