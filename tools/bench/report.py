"""tools/bench/report.py: ratios of runs of one round, their median and middle half, and the result of each row."""

import dataclasses
import math
import statistics

import plan

TIE = 1.10  # the noise of a shared machine


class Results:
    """All runs: for each cell and server, the counts of each round, or None for a failed run."""

    def __init__(self):
        self.runs = {}
        self.notes = {}  # further numbers: system calls, instructions

    def add(self, cell, server, result):
        self.runs.setdefault(cell.name, {}).setdefault(server.name, []).append(result)

    def values(self, cell, server, what="cpu_ns_each"):
        """One for each round; None where there is none."""
        return [run and run[what] for run in self.runs.get(cell.name, {}).get(server, [])]

    def median(self, cell, server, what="cpu_ns_each"):
        return median(self.values(cell, server, what))

    def spread(self, cell, server, what="cpu_ns_each"):
        """The largest less the smallest, as a part of the median."""
        values = known(self.values(cell, server, what))
        middle = median(values)
        return (max(values) - min(values)) / middle if middle else 0.0

    def ratios(self, cell, server, other):
        """
        One for each round: servers of a cell run right after one another there, so that a moment in which
        the machine is slow meets both. Medians of all rounds would divide unlike moments.
        """
        return paired(lambda over, under: over / under, self.values(cell, server), self.values(cell, other))


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. The result is reached up to `limit`; `values` has one value for each round, or one."""

    text: str
    values: list
    limit: float
    tie: float = TIE

    @property
    def value(self):
        return median(self.values)

    @property
    def result(self):
        if self.value is None:
            return "not measured"
        if self.value <= self.limit:
            return "reached"
        return "a tie" if self.value <= self.limit * self.tie else "MISSED"

    @property
    def middle_half(self):
        """From the lower quartile to the upper one."""
        values = known(self.values)
        if len(values) < 3:
            return "-"
        lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
        return f"{number(lower)} to {number(upper)}"


def known(values):
    return [value for value in values if value is not None]


def median(values):
    return statistics.median(known(values)) if known(values) else None


def paired(how, *lists):
    """`how` of the first of each, of the second of each, and so on; None where one is missing."""
    return [None if None in values else how(*values) for values in zip(*lists)]


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def echo_cells(results):
    cells = {cell.name: cell for cell in [*plan.QUICK, *plan.ECHO_CELLS]}
    return [cell for name, cell in cells.items()
            if name in results.runs and name.startswith("echo") and "whole" not in name and "TLS" not in name]


def mean_row(text, lists, limit):
    """The geometric mean over all cells, in each round."""
    lists = [ratios for ratios in lists if known(ratios)]
    means = paired(lambda *ratios: geometric_mean(ratios), *lists) if lists else []
    return Row(f"{text}, geometric mean of {len(lists)}", means, limit)


def echo_rows(results, gangways):
    cells = echo_cells(results)
    for name in gangways:
        other = plan.RAW_OF[name]
        ratios = {cell.name: results.ratios(cell, name, other) for cell in cells}
        ratios = {cell: values for cell, values in ratios.items() if known(values)}
        worst = max(ratios, key=lambda cell: median(ratios[cell]), default="")
        yield mean_row(f"echo, {name} / {other}", ratios.values(), 1.15)
        yield Row(f"{name} / {other}, worst cell ({worst})", ratios.get(worst, []), 1.25)
    best = []
    for cell in cells:
        ratios = [results.ratios(cell, name, plan.LIBUV.name) for name in gangways]
        best.append(min((values for values in ratios if known(values)), key=median, default=[]))
    yield mean_row("echo, best backend / libuv", best, 1.0)


def load_rows(results, gangways):
    for name in gangways:
        other = plan.RAW_OF[name]
        yield Row(f"depth 16, 128 B, {name} / {other}", results.ratios(plan.DEPTH_16, name, other), 1.25)
    for name in gangways:
        other = plan.RAW_EPOLL.name
        yield Row(f"bursts of 16 x 1 KiB, {name} / {other}", results.ratios(plan.BURST, name, other), 1.25)
    for name in gangways:
        for other, limit in ((plan.RAW_OF[name], 1.25), (plan.LIBUV_PER_FRAME.name, 0.1)):
            yield Row(f"group of 100, ns per delivery, {name} / {other}", results.ratios(plan.ROOM, name, other), limit)
    for name in gangways:
        more = paired(lambda whole, raw: whole - raw,
                      results.values(plan.whole_way(), name), results.values(plan.DEPTH_16, name))
        yield Row(f"whole way less raw entry, depth 16, 128 B, {name}, ns", more, 300)


def still_rows(results, gangways):
    """Values that do not depend on the load of the machine have no tie."""
    for name in gangways:
        for text, cell, limit in (("greeted and alone", plan.ALONE, 512), ("in a room of 100", plan.IN_A_ROOM, 1024)):
            each = results.values(cell, name, "private_bytes_each")
            yield Row(f"idle session, {text}, {name}, bytes", each, limit, 1.0)
    for name, value in sorted(results.notes.get("flat", {}).items()):
        yield Row(f"{name}, instructions at 15,000 / at 100 sessions", [value], 1.10, 1.0)


def websocket_rows(results):
    for name, below in plan.BELOW_WEBSOCKET.items():
        for depth, limit in ((1, 1.15), (16, 1.35)):
            yield Row(f"depth {depth}, 128 B, {name} / plain TCP", results.ratios(plan.websocket_echo(depth), name, below),
                      limit)
        more = paired(lambda over, under: over - under,
                      *(results.values(plan.WEBSOCKET_ALONE, server, "private_bytes_each") for server in (name, below)))
        yield Row(f"idle session, {name} less plain TCP, bytes", more, 160, 1.0)


def tls_rows(results):
    for name, below in plan.BELOW_TLS.items():
        for depth in (1, 16):
            yield Row(f"depth {depth}, 128 B, {name} / {plan.RAW_TLS.name}",
                      results.ratios(plan.tls_echo(depth), name, plan.RAW_TLS.name), 1.10)
        yield Row(f"connection with a handshake, {name} / {plan.RAW_TLS.name}",
                  results.ratios(plan.TLS_STORM, name, plan.RAW_TLS.name), 1 / 0.9)
        more = paired(lambda over, under: over - under,
                      *(results.values(plan.TLS_ALONE, server, "private_bytes_each") for server in (name, below)))
        yield Row(f"idle session, {name} less plain TCP, bytes", more, 18 * 1024, 1.0)


def rows(results):
    """Each row of the table."""
    gangways = [server.name for server in plan.ALL if server.gangway]
    for part in (echo_rows, load_rows, still_rows):
        yield from part(results, gangways)
    yield from websocket_rows(results)
    yield from tls_rows(results)


def floor_line(results):
    """The raw server against recv and send alone; above the limit the run is invalid."""
    limit = 1.4
    ratio = median(results.ratios(plan.BY_THE_FLOOR, plan.RAW_EPOLL.name, plan.FLOOR.name))
    valid = ratio is not None and ratio <= limit
    return valid, f"raw epoll / recv and send alone: {number(ratio)} (valid up to {limit})"


def table(results):
    yield "| row | measured | middle half | limit | |"
    yield "|---|---:|---:|---:|---|"
    for row in rows(results):
        yield f"| {row.text} | {number(row.value)} | {row.middle_half} | {number(row.limit)} | {row.result} |"


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
        if results.median(cell, name) is None:
            continue
        cells = [number(results.median(cell, name), 0), f"{results.spread(cell, name):.0%}",
                 number(results.median(cell, name, "per_second"), 0),
                 number(results.median(cell, name, "wakes_each"), 4)]
        if paced:
            cells += [number(results.median(cell, name, key), 0) for key in ("p50_us", "p99_us", "p999_us")]
        if syscalls:
            cells.append(number(syscalls.get(name), 3))
        yield f"| {name} | " + " | ".join(cells) + " |"
