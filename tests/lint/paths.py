"""tests/lint/paths.py TREE: Check that tests/README.md names every folder of tests/, and only files that exist.

A name in backticks that contains a slash or a dot is a path below tests/ or the tree; it may contain *.
"""

import pathlib
import re

import lint

README = pathlib.Path("tests/README.md")
NAME = re.compile(r"`([\w*./-]*[/.][\w*./-]*)(?: --[\w -]+)?`")


def exists(tree, name):
    return any(next(iter(folder.glob(name.rstrip("/"))), None) for folder in (tree / "tests", tree))


def check(tree):
    tree = pathlib.Path(tree)
    text = lint.read(tree, README)
    findings = []
    for number, line in enumerate(text.splitlines(), 1):
        findings += [f"{README}:{number}: there is no {name}" for name in NAME.findall(line)
                     if "NAME" not in name and not exists(tree, name)]
    folders = {path.parts[1] for path in lint.files(tree) if path.parts[0] == "tests" and len(path.parts) > 2}
    return findings + [f"{README} does not name {folder}/" for folder in sorted(folders) if f"`{folder}/" not in text]


GOOD = {
    "tests/README.md": "`net/`, `net/contract_*.c`, `tools/test.sh`, `lint/NAME.py`, `net/a.py --update`, `gw_add_test()`\n",
    "tests/net/contract_a.c": "/* a */\n",
    "tests/net/a.py": "\n",
    "tools/test.sh": "\n",
}
BAD = [
    ("tests/README.md", "`net/`, `net/b.c`\n", "there is no net/b.c"),
    ("tests/README.md", "`net/`, `net/b_*.c`\n", "there is no net/b_*.c"),
    ("tests/README.md", "`net/`, `net/b.py --update`\n", "there is no net/b.py"),
    ("tests/new/a.c", "/* a */\n", "does not name new/"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
