"""tests/lint/model.py TREE: Check of the line links in net/README.md.

A link is [file:line](path#Lline) followed by the call in that line: [iocp.c:12](backend/iocp.c#L12) `WSARecv`.
"""

import pathlib
import re

import lint

README = pathlib.Path("net/README.md")
LINK = re.compile(r"\[(?P<name>[\w.]+):(?P<shown>\d+)\]\((?P<path>[\w./]+)#L(?P<line>\d+)\) `(?P<call>[^`]+)`")


def lines_with(text, call):
    return [number for number, line in enumerate(text.splitlines(), 1) if call in line]


def check_link(tree, found):
    path = README.parent / found["path"]
    if not (pathlib.Path(tree) / path).exists():
        return f"there is no {path}"
    if found["name"] != path.name or found["shown"] != found["line"]:
        return f"{found['name']}:{found['shown']} leads to {path}:{found['line']}"
    links = lines_with(lint.read(tree, path), found["call"])
    if int(found["line"]) not in links:
        return f"{path}:{found['line']} does not have {found['call']}; that is in {links}"
    return ""


def check(tree):
    text = lint.read(tree, README)
    links = list(LINK.finditer(text))
    findings = [f"{README}:{text[:found.start()].count(chr(10)) + 1}: {finding}"
                for found in links if (finding := check_link(tree, found))]
    return findings if links else [f"{README} has no link"]


GOOD = {
    "net/README.md": "| reading | [a.c:2](backend/a.c#L2) `WSARecv` |\n",
    "net/backend/a.c": "/* a */\n    int got = WSARecv(socket);\n",
}
BAD = [
    ("net/backend/a.c", "/* a */\n\n    int got = WSARecv(socket);\n", "that is in [3]"),
    ("net/backend/a.c", "/* a */\n    int got = WSASend(socket);\n", "that is in []"),
    ("net/README.md", "[a.c:2](backend/b.c#L2) `WSARecv`\n", "there is no net/backend/b.c"),
    ("net/README.md", "[a.c:1](backend/a.c#L2) `WSARecv`\n", "a.c:1 leads to"),
    ("net/README.md", "[c.c:2](backend/a.c#L2) `WSARecv`\n", "c.c:2 leads to"),
    ("net/README.md", "# nothing\n", "has no link"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
