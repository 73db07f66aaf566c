"""tests/lint/outlines.py TREE: Check that all backends define their functions in the same order.

Each file of net/backend/ that fills a struct gw_backend_ops defines one function for each member, named
backend_ and the member's name, in the order of the struct, or uses the os_ function of that name. No other
function of the file begins with backend_.
"""

import pathlib
import re

import arrows
import lint

FOLDER = pathlib.Path("net/backend")
HEADER_PATH = FOLDER / "backend.h"
STRUCT = re.compile(r"struct gw_backend_ops \{(.*?)\n\};", re.DOTALL)
MEMBER = re.compile(r"\(\*(\w+)\)\(")
TABLE = re.compile(r"\bconst struct gw_backend_ops (\w+) = \{(.*?)\};", re.DOTALL)
FILLED = re.compile(r"\.(\w+)\s*=\s*(\w+)")
FUNCTION = re.compile(r"^static [^;=(]*?\b(backend_\w+)\([^;]*?\)\s*\{", re.MULTILINE)


def members(tree):
    """The function members of the struct, in its order."""
    found = STRUCT.search(arrows.without_comments(lint.read(tree, HEADER_PATH)))
    return MEMBER.findall(found.group(1)) if found else []


def expected(filled):
    """The functions that the file of a table must define."""
    return [value for value in filled.values() if value.startswith("backend_")]


def check_table(path, table, wanted):
    """What is wrong with the table of a backend."""
    filled = {member: value for member, value in FILLED.findall(table) if member in wanted}
    findings = [f"{path}: the table has no .{member}" for member in wanted if member not in filled]
    if list(filled) != [member for member in wanted if member in filled]:
        findings.append(f"{path}: the table is not in the order of struct gw_backend_ops")
    for member, value in filled.items():
        if value not in (f"backend_{member}", f"os_{member}"):
            findings.append(f"{path}: .{member} is {value}, neither backend_{member} nor os_{member}")
    return findings, filled


def check_functions(path, text, filled):
    """What is wrong with the order or the names of its functions."""
    there, wanted = FUNCTION.findall(text), expected(filled)
    findings = [f"{path}: {name} is not defined" for name in wanted if name not in there]
    findings += [f"{path}: {name} has no member in struct gw_backend_ops" for name in there
                 if name not in wanted]
    if not findings and there != wanted:
        misplaced = next(name for name, other in zip(there, wanted) if name != other)
        findings.append(f"{path}: {misplaced} is out of the order of struct gw_backend_ops")
    return findings


def check(tree):
    wanted, findings, count = members(tree), [], 0
    for path in lint.sources(tree):
        if path.parent != FOLDER or path.suffix != ".c":
            continue
        text = arrows.without_comments(lint.read(tree, path))
        for name, table in TABLE.findall(text):
            count += 1
            if name != f"gw__backend_{path.stem}":
                findings.append(f"{path}: its table is {name}, not gw__backend_{path.stem}")
            wrong, filled = check_table(path, table, wanted)
            findings += wrong + check_functions(path, text, filled)
    if not wanted or count == 0:
        findings.append(f"{HEADER_PATH}: no struct gw_backend_ops, or no file that fills it")
    return findings


HEADER = """/* net/backend/backend.h: an example. Private to net. */
struct gw_backend_ops {
    enum gw_backend backend;
    bool lane_shared;
    int (*open)(struct gw_lane *lane);
    void (*recv)(struct gw_socket *socket,
                 struct gw_op *op);
    uint64_t (*now_ns)(void);
};
"""
OPEN = "static int backend_open(struct gw_lane *lane)\n{\n    return 0;\n}\n"
RECV = "static void backend_recv(struct gw_socket *socket,\n                         struct gw_op *op)\n{\n}\n"
HELPER = "static int helper(void)\n{\n    return backend_open(0);\n}\n"
FILL = """const struct gw_backend_ops gw__backend_one = {
    .backend = GW_BACKEND_ONE,
    .lane_shared = false,
    .open = backend_open,
    .recv = backend_recv,
    .now_ns = os_now_ns,
};
"""
ONE = "net/backend/one.c"
GOOD = {str(HEADER_PATH): HEADER, ONE: OPEN + HELPER + RECV + FILL, "net/backend/one_buffers.c": "int x;\n"}
BAD = [
    (ONE, RECV + OPEN + FILL, "backend_recv is out of the order"),
    (ONE, OPEN + RECV + FILL.replace("    .now_ns = os_now_ns,\n", ""), "the table has no .now_ns"),
    (ONE, OPEN + FILL, "backend_recv is not defined"),
    (ONE, OPEN + RECV + "static void backend_more(void)\n{\n}\n" + FILL, "backend_more has no member"),
    (ONE, OPEN + RECV + FILL.replace("= backend_open", "= open_it"), ".open is open_it"),
    (ONE, OPEN + RECV + FILL.replace("backend_one", "backend_two"), "its table is gw__backend_two"),
    (ONE, OPEN + RECV + FILL.replace("    .open = backend_open,\n", "")
     .replace("};", "    .open = backend_open,\n};"), "the table is not in the order"),
    (ONE, OPEN + RECV, "no file that fills it"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
