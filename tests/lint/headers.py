"""tests/lint/headers.py TREE [FOLDERS]: Check that every header of the libraries compiles alone, and twice in a row.

A public header also compiles as C++, with extern "C", and the comment of each callback in it says that the
callback must not block, or that it may block: the work of a job. FOLDERS are the include folders, separated by colons; TREE is always one of them.
The check runs every installed compiler. windows.py checks the headers that only compile for Windows.
"""

import pathlib
import re
import shutil
import subprocess

import arrows
import lint

FLAGS = "-Wall -Wextra -Wpedantic -Werror -fsyntax-only".split()
C = "-std=c11 -x c -".split()
CXX = "-std=c++17 -x c++ -".split()
COMPILERS = {"gcc": C, "clang": C, "g++": CXX, "clang++": CXX}
WINDOWS = re.compile(r"^#include <(windows|winsock2)\.h>", re.MULTILINE)
CALLBACK = re.compile(r"\(\*(\w+)\)\s*\(|^typedef [\w ]+?\b(\w+)\(", re.MULTILINE)
COMMENT = re.compile(r"^ */\*.*?\*/", re.MULTILINE | re.DOTALL)
DECLARES_C = re.compile(r'^#ifdef __cplusplus\nextern "C" \{\n#endif\n.*^#ifdef __cplusplus\n\}\n#endif\n\n#endif$',
                        re.MULTILINE | re.DOTALL)


def includes_windows(tree, path):
    """Whether a header or source includes a header of Windows."""
    return bool(WINDOWS.search(lint.read(tree, path)))


def is_for_windows(tree, path):
    """Whether it compiles only for Windows."""
    return includes_windows(tree, path) and "_WIN32" not in lint.read(tree, path)


def compile_header(compiler, tree, folders, path):
    """The errors of the compiler, or an empty text."""
    includes = [part for folder in [str(tree), *folders] for part in ("-I", folder)]
    program = f'#include "{path}"\n#include "{path}"\nextern int not_an_empty_file;\n'
    done = subprocess.run([compiler, *includes, *FLAGS, *COMPILERS[compiler]], input=program, text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode else ""


def check_header(compilers, tree, folders, path):
    text = lint.read(tree, path)
    public = arrows.is_public(path, text)
    for compiler in compilers:
        errors = compile_header(compiler, tree, folders, path) if public or COMPILERS[compiler] is C else ""
        if errors:
            yield f"{path} does not compile alone with {compiler}:\n{errors}"
    if public:
        yield from check_callbacks(path, text)
    if public and not DECLARES_C.search(text):
        yield f'{path} is public, and has no extern "C" for C++ from its includes to its end'


def check_callbacks(path, text):
    """The comment before each callback says that it must not block, or may block."""
    for found in CALLBACK.finditer(arrows.without_comments(text)):
        comment = [found.group() for found in COMMENT.finditer(text, 0, found.start())][-1:]
        words = " ".join("".join(comment).replace("*", " ").split())
        if not re.search("must not block|may block", words) and "All members are the" not in words:
            yield f"{path}: the comment before the callback {found[1] or found[2]} does not say 'must not block'"


def check(tree, folders=""):
    compilers = [compiler for compiler in COMPILERS if shutil.which(compiler)]
    findings = [f"no compiler of {language} is installed" for language, flags in (("C", C), ("C++", CXX))
                if not any(COMPILERS[compiler] is flags for compiler in compilers)]
    folders = [folder for folder in folders.split(":") if folder]
    for path in lint.sources(tree):
        if path.suffix == ".h" and path.parts[0] in arrows.LIBRARY and not is_for_windows(tree, path):
            findings += check_header(compilers, pathlib.Path(tree), folders, path)
    return findings


def header(guard, body, declares_c=True):
    begin, end = ('#ifdef __cplusplus\nextern "C" {\n#endif\n', "\n#ifdef __cplusplus\n}\n#endif\n\n")
    return f"#ifndef {guard}\n#define {guard}\n{begin}{body}{end}#endif\n" if declares_c else \
        f"/* Private to net. */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


GOOD = {
    "net/a.h": header("A", "#include <stdint.h>\nstruct a { uint32_t x; };"),
    "net/w.h": header("W", "#include <windows.h>\nHANDLE w(void);"),
    "net/b.h": header("B", '#include "net/a.h"\nvoid b(struct a *a);'),
    "net/d.h": header("DD", "/* It must\n * not block. */\ntypedef void d(int);\nvoid e(void (*on_e)(void));"),
    "net/f.h": header("F", "/* It may block. */\ntypedef void f(int);"),
    "net/p.h": header("P", "int p(int class);", declares_c=False),
}
BAD = [
    ("net/c.h", header("D", "uint32_t c(void);"), "net/c.h does not compile"),
    ("net/c.h", header("D", "void c(struct a *a);"), "declared inside parameter list"),
    ("net/c.h", "struct c { int x; };\n", "redefinition"),
    ("net/c.h", '#include "net/nowhere.h"\n', "net/nowhere.h"),
    ("net/c.h", header("D", "enum c { C_ONE = 1 };;"), "extra"),
    ("net/c.h", header("D", "int c(int class);"), "does not compile alone with g++"),
    ("net/c.h", header("D", "#include <stdatomic.h>\nstruct c { _Atomic(int *) x; };"), "does not compile alone with g++"),
    ("net/c.h", "#ifndef D\n#define D\nint c(void);\n#endif\n", 'has no extern "C"'),
    ("net/c.h", header("D", "/* It is called. */\ntypedef void c(int);"), "the callback c does not say"),
    ("net/c.h", header("D", "typedef void c(int);"), "the callback c does not say"),
    ("net/c.h", header("D", "/* a */\nstruct c {\n    void (*on_c)(int); /* must not block */\n};"), "the callback on_c"),
    ("net/p.h", header("P", "int p(int int);", declares_c=False), "does not compile alone with gcc"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
