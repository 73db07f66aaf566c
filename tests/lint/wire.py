"""tests/lint/wire.py TREE: Check that protocol/WIRE.md and proto/gw/control.proto have the same numbers."""

import re

import lint

PAGE = "protocol/WIRE.md"
SCHEMA = "proto/gw/control.proto"

MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.DOTALL | re.MULTILINE)
OPTION = re.compile(r"option \((?:gw\.)?packet\) = \{(.*?)\};", re.DOTALL)
FIELD = re.compile(r"(\w+): *\"?(\w+)")
ENUM = re.compile(r"^enum (\w+) \{(.*?)^\}", re.DOTALL | re.MULTILINE)
VALUE = re.compile(r"^\s*(\w+) = (\d+);", re.MULTILINE)
ROW = re.compile(r"^\| (\d+)(?:\.\.(\d+))? \| ([A-Z_, ]+) \| *(client|server|both|) *\|", re.MULTILINE)
NUMBER_AND_NAME = re.compile(r"\b(\d+) ([A-Z][A-Z_]+)\b")


def one_word(name):
    """HelloAck and HELLO_ACK are the same packet."""
    return name.replace("_", "").upper()


def section(page, title):
    """The text under a heading of the page."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def packets_of_schema(schema):
    packets = {}
    for name, body in MESSAGE.findall(schema):
        option = OPTION.search(body)
        if option:
            policy = dict(FIELD.findall(option.group(1)))
            packets[int(policy["id"])] = (one_word(name), policy["from"].lower())
    return packets


def packets_of_page(page):
    """The rows of the table: the packets, and the ids that are reserved."""
    packets, reserved = {}, set()
    for first, last, name, sender in ROW.findall(section(page, "Control packets")):
        if last:
            reserved.update(range(int(first), int(last) + 1))
        else:
            packets[int(first)] = (one_word(name), sender)
    return packets, reserved


def values_of_schema(schema, enum):
    found = dict(ENUM.findall(schema)).get(enum, "")
    return {int(number): name for name, number in VALUE.findall(found)}


def compare(what, page, schema):
    for number in sorted(page.keys() | schema.keys()):
        if page.get(number) != schema.get(number):
            yield (f"{what} {number} is {page.get(number, 'not there')} in {PAGE}, "
                   f"and {schema.get(number, 'not there')} in {SCHEMA}")


def check(tree):
    page, schema = lint.read(tree, PAGE), lint.read(tree, SCHEMA)
    packets, reserved = packets_of_page(page)
    reasons = dict((int(number), name)
                   for number, name in NUMBER_AND_NAME.findall(section(page, "Close reasons")))
    row = re.search(r"`gw\.ErrorCode`: ([^;]*);", page)
    errors = dict((int(number), name)
                  for number, name in NUMBER_AND_NAME.findall(row.group(1) if row else ""))
    of_schema = packets_of_schema(schema)
    findings = [*compare("packet", packets, of_schema),
                *compare("close reason", reasons, values_of_schema(schema, "CloseReason")),
                *compare("error code", errors, values_of_schema(schema, "ErrorCode"))]
    findings += [f"packet {number} is reserved in {PAGE}, and {of_schema[number][0]} in {SCHEMA}"
                 for number in sorted(reserved & of_schema.keys())]
    findings += [f"{PAGE} has no {what}" for what, found in
                 [("packets", packets), ("reserved ids", reserved), ("close reasons", reasons),
                  ("error codes", errors)] if not found]
    return findings


GOOD_PAGE = """# Wire
## Control packets
| id | packet | from | what |
|---|---|---|---|
| 1 | HELLO | client | first |
| 6 | GOAWAY | server | 7 DAYS to go |
| 7..8 | RESUME, ACK | | reserved |
| 11 | ERROR | server | (`gw.ErrorCode`: 0 UNSET, 1 TIMEOUT; the game's from 1000) |

## Close reasons
0 NONE \u00b7 1 BY_PEER \u00b7
20 BAD_FLAGS

## More
"""
GOOD_SCHEMA = """
enum CloseReason {
  NONE = 0;
  BY_PEER = 1;  // hung up
  BAD_FLAGS = 20;
}
enum ErrorCode {
  UNSET = 0;
  TIMEOUT = 1;
}
message Hello {
  option (packet) = { id: 1 from: CLIENT stages: "CONNECTED" };
  uint32 major = 1;
}
message GoAway {
  option (packet) = { id: 6 from: SERVER };
}
message Error {
  option (packet) = { id: 11 from: SERVER };
}
message Part {
  uint32 id = 1;
}
"""
GOOD = {PAGE: GOOD_PAGE, SCHEMA: GOOD_SCHEMA}
BAD = [
    (SCHEMA, GOOD_SCHEMA.replace("id: 6", "id: 9"), "packet 9 is not there"),
    (SCHEMA, GOOD_SCHEMA.replace("id: 6 from: SERVER", "id: 6 from: BOTH"), "packet 6 is"),
    (SCHEMA, GOOD_SCHEMA.replace("GoAway", "Go"), "packet 6 is"),
    (SCHEMA, GOOD_SCHEMA + "message X {\n  option (packet) = { id: 12 from: BOTH };\n}\n", "packet 12"),
    (SCHEMA, GOOD_SCHEMA.replace("BY_PEER = 1", "BY_FRIEND = 1"), "close reason 1 is BY_PEER"),
    (SCHEMA, GOOD_SCHEMA.replace("  BAD_FLAGS = 20;\n", ""), "close reason 20 is BAD_FLAGS"),
    (SCHEMA, GOOD_SCHEMA.replace("TIMEOUT = 1", "TIMEOUT = 2"), "error code"),
    (PAGE, GOOD_PAGE.replace("20 BAD_FLAGS", "21 BAD_FLAGS"), "close reason"),
    (PAGE, GOOD_PAGE.replace("| 1 | HELLO | client", "| 1 | HELLO | both"), "packet 1 is"),
    (PAGE, GOOD_PAGE.replace("| 7..8 |", "| 6..8 |"), "packet 6 is reserved"),
    (PAGE, GOOD_PAGE.replace("| 7..8 |", "| seven |"), "has no reserved ids"),
]


if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
