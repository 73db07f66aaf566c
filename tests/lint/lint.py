"""tests/lint/lint.py: Shared code of the lints: walking the tree, reporting, self-tests.

A lint is a program with a function check(tree, ...) that returns findings, each a line of text. Run
with --self-test it checks small trees that are wrong on purpose, and fails unless each is reported.
"""

import os
import pathlib
import sys
import tempfile

FOLDERS_NOT_OURS = {"build", "install", "__pycache__"}


def files(tree):
    """Every file of the project, as a path relative to `tree`; without .git, build folders and backups."""
    tree = pathlib.Path(tree)
    found = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(
            name for name in folders
            if name not in FOLDERS_NOT_OURS and (not name.startswith(".") or name == ".ci"))
        found += [pathlib.Path(folder, name).relative_to(tree) for name in sorted(names)
                  if not name.endswith((".swp", "~")) and name != ".git"]
    return found


def sources(tree):
    """The .c and .h files among them."""
    return [path for path in files(tree) if path.suffix in (".c", ".h")]


def is_generated(path):
    """Whether a program wrote it: the build, or a golden file of the tests."""
    return ".gen." in path.name or ".pb-c." in path.name


def read(tree, path):
    return (pathlib.Path(tree) / path).read_text(encoding="utf-8")


def main(check, good, bad):
    """Runs a lint: check(*arguments), or, with --self-test, check of `good` and of each of `bad`.

    `good` is a tree without findings: a dict from path to text. `bad` is a list of (path, text,
    words): `good` with this one file changed must give a finding with these words.
    """
    if sys.argv[1:] == ["--self-test"]:
        findings = self_test(check, good, bad)
        done = f"{len(bad)} wrong examples were reported"
    else:
        findings = check(*sys.argv[1:])
        done = "nothing found"
    print("\n".join(findings) if findings else done)
    sys.exit(1 if findings else 0)


def self_test(check, good, bad):
    findings = [f"self-test: a good tree was reported: {line}" for line in check_example(check, good)]
    for path, text, words in bad:
        lines = check_example(check, {**good, path: text})
        if not any(words in line for line in lines):
            findings.append(f"self-test: {path} should give a finding with '{words}', gave {lines}")
    return findings


def check_example(check, example):
    with tempfile.TemporaryDirectory() as tree:
        for path, text in example.items():
            file = pathlib.Path(tree, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return check(tree)
