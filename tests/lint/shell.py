"""tests/lint/shell.py TREE: shellcheck on every shell script."""

import pathlib
import shutil
import subprocess

import lint


def scripts(tree):
    """Files with the first line or the suffix of a shell script."""
    for path in lint.files(tree):
        with open(pathlib.Path(tree) / path, "rb") as file:
            first = file.readline(64)
        if path.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith(b"sh")):
            yield str(path)


def check(tree):
    if not shutil.which("shellcheck"):
        return ["shellcheck is not installed; tools/setup.sh test installs it"]
    found = sorted(scripts(tree))
    if not found:
        return ["no shell script found"]
    done = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", *found], cwd=tree,
                          check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.splitlines()


GOOD = {"tools/a.sh": '#!/bin/bash\nset -euo pipefail\necho "$1"\n', ".ci/run": "#!/bin/bash\ntrue\n"}
BAD = [
    ("tools/a.sh", "#!/bin/bash\necho $1\n", "SC2086"),
    (".ci/run", "#!/bin/bash\ncd somewhere\n", "SC2164"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
