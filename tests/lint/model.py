"""tests/lint/model.py TREE: where net/README.md says a call stands, there it stands.

A place is written as [file:line](path#Lline) followed by the call: [iocp.c:12](backend/iocp.c#L12) `WSARecv`.
"""

import pathlib
import re

import lint

README = pathlib.Path("net/README.md")
PLACE = re.compile(r"\[(?P<name>[\w.]+):(?P<said>\d+)\]\((?P<path>[\w./]+)#L(?P<line>\d+)\) `(?P<call>[^`]+)`")


def lines_with(text, call):
    return [number for number, line in enumerate(text.splitlines(), 1) if call in line]


def check_place(tree, found):
    path = README.parent / found["path"]
    if not (pathlib.Path(tree) / path).exists():
        return f"there is no {path}"
    if found["name"] != path.name or found["said"] != found["line"]:
        return f"{found['name']}:{found['said']} leads to {path}:{found['line']}"
    places = lines_with(lint.read(tree, path), found["call"])
    if int(found["line"]) not in places:
        return f"{path}:{found['line']} is not where {found['call']} stands; that is {places}"
    return ""


def check(tree):
    text = lint.read(tree, README)
    places = list(PLACE.finditer(text))
    findings = [f"{README}:{text[:found.start()].count(chr(10)) + 1}: {said}"
                for found in places if (said := check_place(tree, found))]
    return findings if places else [f"{README} names no place at all"]


GOOD = {
    "net/README.md": "| reading | [a.c:2](backend/a.c#L2) `WSARecv` |\n",
    "net/backend/a.c": "/* a */\n    int got = WSARecv(socket);\n",
}
BAD = [
    ("net/backend/a.c", "/* a */\n\n    int got = WSARecv(socket);\n", "that is [3]"),
    ("net/backend/a.c", "/* a */\n    int got = WSASend(socket);\n", "that is []"),
    ("net/README.md", "[a.c:2](backend/b.c#L2) `WSARecv`\n", "there is no net/backend/b.c"),
    ("net/README.md", "[a.c:1](backend/a.c#L2) `WSARecv`\n", "a.c:1 leads to"),
    ("net/README.md", "[c.c:2](backend/a.c#L2) `WSARecv`\n", "c.c:2 leads to"),
    ("net/README.md", "# nothing\n", "names no place at all"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
