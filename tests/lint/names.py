"""tests/lint/names.py TREE ARCHIVES: Check of the prefix of every external symbol.

A public symbol begins with gw_ and is declared in a public header of its folder; a symbol shared between
files of a folder begins with gw__ and is in no public header; the functions of net/os/ begin with os_.
ARCHIVES are paths of libgw_<folder>.a, separated by colons; nm reads them.
"""

import pathlib
import re
import subprocess
import sys

import arrows
import lint

# Symbols that compilers and sanitizers add begin with an underscore.
DEFINED = re.compile(r"^(?:.*:)?(?P<member>\S+\.o):$|^[0-9a-f]* *(?P<kind>[TDBRVWC]) (?P<name>[^_]\S*)$")
MACHINE = "net/os"


def defined(archive):
    """The names an archive defines: pairs of the source file's name and the symbol."""
    done = subprocess.run(["nm", "--defined-only", "--extern-only", archive], check=True, text=True,
                          stdout=subprocess.PIPE)
    member, pairs = "", []
    for line in done.stdout.splitlines():
        found = DEFINED.match(line)
        if found and found["member"]:
            member = found["member"].removesuffix(".o")
        elif found:
            pairs.append((member, found["name"]))
    return pairs


def public_text(tree, folder):
    """The text of the public headers of a folder, without comments."""
    headers = [(path, lint.read(tree, path)) for path in lint.sources(tree)
               if path.suffix == ".h" and path.is_relative_to(folder)]
    return "\n".join(arrows.without_comments(text) for path, text in headers
                     if not arrows.private_to(path, text))


def check_name(folder, member, name, public, machine_files):
    """What is wrong with a name, or None."""
    if name.startswith("os_"):
        return None if member in machine_files else f"os_ names are for {MACHINE}"
    if not name.startswith("gw_"):
        return "does not begin with gw_"
    is_declared = re.search(rf"\b{name}\b", public)
    if name.startswith("gw__") and is_declared:
        return f"is private by its name, and is in a public header of {folder}"
    if not name.startswith("gw__") and not is_declared:
        return f"is public by its name, and is in no public header of {folder}; gw__ if it is private"
    return None


def check(tree, archives):
    findings = []
    machine_files = {path.name for path in lint.sources(tree) if path.is_relative_to(MACHINE)}
    for archive in archives.split(":"):
        folder = pathlib.Path(archive).stem.removeprefix("libgw_")
        public, pairs = public_text(tree, folder), defined(archive)
        if not pairs:
            findings.append(f"{archive} defines nothing")
        for member, name in pairs:
            wrong = check_name(folder, member, name, public, machine_files)
            if wrong:
                findings.append(f"{folder}: {member}: {name} {wrong}")
    return findings


def check_example(tree):
    """Makes an archive of the example's net/ and checks it."""
    tree = pathlib.Path(tree)
    objects = []
    for path in [path for path in lint.sources(tree) if path.suffix == ".c"]:
        objects.append(str(tree / (path.name + ".o")))
        subprocess.run(["cc", "-c", tree / path, "-o", objects[-1]], check=True)
    archive = str(tree / "libgw_net.a")
    subprocess.run(["ar", "rc", archive, *objects], check=True)
    return check(tree, archive)


GOOD = {
    "net/a.h": "/* net/a.h: an example; not gw__a_hidden(). */\nvoid gw_a_do(void);\nextern int gw_a_count;\n",
    "net/lane.h": "/* net/lane.h: an example. Private to net. */\nvoid gw__a_hidden(void);\n",
    "net/a.c": "int gw_a_count = 1;\nvoid gw_a_do(void) {}\nvoid gw__a_hidden(void) {}\nstatic int x;\n"
               "int *gw__a_address(void) { return &x; }\n",
    "net/os/posix.c": "void os_wait(void) {}\n",
}
BAD = [
    ("net/b.c", "void helper(void) {}\n", "helper does not begin with gw_"),
    ("net/b.c", "int table[3] = {1};\n", "table does not begin with gw_"),
    ("net/b.c", "void gw_b_do(void) {}\n", "gw_b_do is public by its name"),
    ("net/b.c", "void os_b(void) {}\n", "os_ names are for net/os"),
    ("net/a.h", "/* net/a.h: x. */\nvoid gw_a_do(void);\nextern int gw_a_count;\nvoid gw__a_hidden(void);\n",
     "gw__a_hidden is private by its name"),
    ("net/os/posix.c", "void wait_for(void) {}\n", "wait_for does not begin with gw_"),
]

if __name__ == "__main__":
    lint.main(check_example if "--self-test" in sys.argv else check, GOOD, BAD)
