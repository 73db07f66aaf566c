"""tests/lint/text.py TREE: Check of whitespace and encoding of text files, and of the first line of C files."""

import re

import lint

FIRST_LINE = re.compile(r"/\* (\S+): (?!\*/)\S.*")


def check_bytes(path, data):
    if b"\r" in data:
        yield 1 + data[:data.index(b"\r")].count(b"\n"), "has a carriage return"
    if data and not data.endswith(b"\n"):
        yield data.count(b"\n") + 1, "does not end with a newline"
    if data.endswith(b"\n\n"):
        yield data.count(b"\n"), "ends with an empty line"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        yield 1 + data[:error.start].count(b"\n"), "is not UTF-8"


def check_lines(lines):
    for number, line in enumerate(lines, 1):
        if b"\t" in line:
            yield number, "has a tab"
        if line.endswith(b" "):
            yield number, "ends with a blank"


def check_first_line(path, text):
    if path.suffix not in (".c", ".h") or lint.is_generated(path):
        return
    found = FIRST_LINE.match(text)
    if not found or found.group(1) != str(path):
        yield 1, f"the first line is not '/* {path}: what it does */'"


def check(tree):
    findings = []
    for path in lint.files(tree):
        data = (lint.pathlib.Path(tree) / path).read_bytes()
        if b"\0" in data:
            continue
        for number, text in [*check_bytes(path, data), *check_lines(data.splitlines()),
                             *check_first_line(path, data.decode(errors="replace"))]:
            findings.append(f"{path}:{number}: {text}")
    return findings


GOOD = {
    "net/a.c": "/* net/a.c: an example. */\nint a;\n",
    "tests/tools/golden/a.gen.c": "/* Generated. */\n",
    "net/a.h": "/* net/a.h: an example,\n * on two lines. */\n",
    "README.md": "# An example, with a \u00b7 in it\n",
    "tests/data/some.bin": b"\0\t \r\n",
}
BAD = [
    ("README.md", "a\tb\n", "README.md:1: has a tab"),
    ("README.md", "one\ntwo \n", "README.md:2: ends with a blank"),
    ("README.md", "one\r\n", "has a carriage return"),
    ("README.md", "one", "does not end with a newline"),
    ("README.md", "one\n\n", "ends with an empty line"),
    ("README.md", b"one \xff\n", "is not UTF-8"),
    ("net/a.c", "int a;\n", "the first line is not"),
    ("net/a.c", "/* net/b.c: an example. */\n", "the first line is not"),
    ("net/a.c", "/* net/a.c: */\n", "the first line is not"),
    ("net/b.c", "\n/* net/b.c: an example. */\n", "the first line is not"),
    (".ci/run", "#!/bin/bash \n", "ends with a blank"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
