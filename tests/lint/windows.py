"""tests/lint/windows.py TREE: Compile check of the Windows sources with clang's Windows target.

Checks every source and header that includes <windows.h> or <winsock2.h>. Needs clang and the headers of
MinGW-w64; without them the exit code is 77 (skipped).
"""

import shutil
import subprocess
import sys

import headers
import lint

TARGET = ["clang", "--target=x86_64-w64-mingw32"]
DEFINES = ["-D_WIN32_WINNT=0x0A00", "-DWIN32_LEAN_AND_MEAN", "-DNOMINMAX"]
FLAGS = "-std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only".split()
NOT_RUN = 77


def compile_text(tree, text, *flags):
    """The errors of clang for a translation unit, or an empty text."""
    command = [*TARGET, *DEFINES, *FLAGS, *flags, "-I", str(tree), "-x", "c", "-"]
    done = subprocess.run(command, input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode else ""


def can_run():
    return bool(shutil.which("clang")) and not compile_text(".", "#include <windows.h>\nint a;\n")


def check(tree):
    findings = []
    for path in lint.sources(tree):
        if not headers.includes_windows(tree, path):
            continue
        # A header twice in a row, as in headers.py; a source once, under its own name.
        times = 2 if path.suffix == ".h" else 1
        flags = ["-Wno-unused-parameter"] if path.parts[0] == "tests" else []  # as in GwTargets.cmake
        errors = compile_text(tree, f'#include "{path}"\n' * times + "extern int not_an_empty_file;\n", *flags)
        if errors:
            findings.append(f"{path} does not compile for Windows:\n{errors}")
    return findings


GOOD = {
    "net/a.c": "#include <windows.h>\nHANDLE a(void);\nHANDLE a(void)\n{\n    return NULL;\n}\n",
    "net/a.h": "#ifndef A\n#define A\n#include <winsock2.h>\nSOCKET b(void);\n#endif\n",
    "net/b.c": "#include <unistd.h>\nint c(void);\n",
}
BAD = [
    ("net/a.c", "#include <windows.h>\nHANDEL a(void);\n", "net/a.c does not compile for Windows"),
    ("net/a.c", "#include <windows.h>\nint a(void)\n{\n    int unused;\n    return 0;\n}\n", "unused variable"),
    ("net/a.h", "#include <winsock2.h>\nstruct twice {\n    int a;\n};\n", "redefinition"),
]

if __name__ == "__main__":
    if not can_run():
        print("clang and the headers of MinGW-w64 are not installed")
        sys.exit(NOT_RUN)
    lint.main(check, GOOD, BAD)
