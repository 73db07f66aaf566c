"""tests/lint/snippets.py TREE: Check that each code line of README.md about the library occurs in tests/consumer/nim.

Reads the blocks of C and CMake in the section "Use it as a library". Comments and spaces do not count.
"""

import pathlib
import re

import lint

SECTION = re.compile(r"^## Use it as a library$(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(?:c|cmake)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|#.*")
PROJECT = pathlib.Path("tests/consumer/nim")


def squeeze(text):
    return re.sub(r"\s+", "", text)


def check(tree):
    code = squeeze("".join(lint.read(tree, path) for path in lint.files(tree) if path.is_relative_to(PROJECT)))
    section = SECTION.search(lint.read(tree, "README.md"))
    lines = [line for block in BLOCK.findall(section.group(1) if section else "") for line in block.splitlines()]
    findings = [f"README.md: no file of {PROJECT} has this line: {line}" for line in lines
                if squeeze(COMMENT.sub("", line)) not in code]
    return findings if lines else ["README.md: no code in the section 'Use it as a library'"]


GOOD = {
    "README.md": "## Use it as a library\n\n```c\nf(a, b); /* calls f */\n```\n\n```cmake\ng(x) # or h\n```\n\n## Next\n",
    "tests/consumer/nim/a.c": "void a(void)\n{\n    f(a,\n      b);\n}\n",
    "tests/consumer/nim/CMakeLists.txt": "g(x)\n",
}
BAD = [
    ("tests/consumer/nim/a.c", "f(a, c);\n", "has this line: f(a, b);"),
    ("tests/consumer/nim/CMakeLists.txt", "g(y)\n", "has this line: g(x)"),
    ("README.md", "## Use it\n", "no code in the section"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
