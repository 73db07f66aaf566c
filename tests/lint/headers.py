"""tests/lint/headers.py TREE [FOLDERS]: every header of the libraries compiles alone, and twice in a row.

FOLDERS are the include folders, separated by colons; TREE is always one of them. Every compiler
that is here is asked. Headers that only Windows can read are left to windows.py.
"""

import pathlib
import re
import shutil
import subprocess

import lint

FLAGS = "-std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c -".split()
COMPILERS = ("gcc", "clang")
LIBRARIES = ("net", "protocol", "session")
WINDOWS = re.compile(r"^#include <(windows|winsock2)\.h>", re.MULTILINE)


def includes_windows(tree, path):
    """Whether a header or source includes what only Windows has."""
    return bool(WINDOWS.search(lint.read(tree, path)))


def is_for_windows(tree, path):
    """Whether nobody else can read it."""
    return includes_windows(tree, path) and "_WIN32" not in lint.read(tree, path)


def compile_header(compiler, tree, folders, path):
    """What the compiler says, or nothing when it is content."""
    includes = [part for folder in [str(tree), *folders] for part in ("-I", folder)]
    program = f'#include "{path}"\n#include "{path}"\nextern int not_an_empty_file;\n'
    done = subprocess.run([compiler, *includes, *FLAGS], input=program, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode else ""


def check(tree, folders=""):
    compilers = [compiler for compiler in COMPILERS if shutil.which(compiler)]
    findings = [] if compilers else ["neither gcc nor clang is here"]
    folders = [folder for folder in folders.split(":") if folder]
    headers = [path for path in lint.sources(tree)
               if path.suffix == ".h" and path.parts[0] in LIBRARIES
               and not is_for_windows(tree, path)]
    for path in headers:
        for compiler in compilers:
            said = compile_header(compiler, pathlib.Path(tree), folders, path)
            if said:
                findings.append(f"{path} does not compile alone with {compiler}:\n{said}")
    return findings


GOOD = {
    "net/a.h": "#ifndef A\n#define A\n#include <stdint.h>\nstruct a { uint32_t x; };\n#endif\n",
    "net/w.h": "#ifndef W\n#define W\n#include <windows.h>\nHANDLE w(void);\n#endif\n",
    "net/b.h": '#ifndef B\n#define B\n#include "net/a.h"\nvoid b(struct a *a);\n#endif\n',
}
BAD = [
    ("net/c.h", "#ifndef C\n#define C\nuint32_t c(void);\n#endif\n", "net/c.h does not compile"),
    ("net/c.h", "#ifndef C\n#define C\nvoid c(struct a *a);\n#endif\n", "declared inside parameter list"),
    ("net/c.h", "struct c { int x; };\n", "redefinition"),
    ("net/c.h", '#include "net/nowhere.h"\n', "net/nowhere.h"),
    ("net/c.h", "#ifndef C\n#define C\nenum c { C_ONE = 1 };;\n#endif\n", "extra"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
