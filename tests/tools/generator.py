"""tests/tools/generator.py: Base class and helpers of the tests of protoc-gen-gw."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

WINE = bool(os.environ.get("GW_WINE_AWAKE"))
NO_WORD = "--gw_out: protoc-gen-gw: Plugin failed with status code 1."

arguments = None


def environment(**changes):
    """The environment without CI, which changes the behaviour of the plugin."""
    result = {name: value for name, value in os.environ.items() if name != "CI"}
    result.update(changes)
    return result


def run(command, **options):
    options.setdefault("env", environment())
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", timeout=100, **options)


HEAD = 'syntax = "proto3"; package test; import "gw/options.proto";\n'
STAGES = "enum Stage { option (gw.stages) = true; MENU = 0; TABLE = 1; }\n"


def packet(name, policy, fields=""):
    return f"message {name} {{ option (gw.packet) = {{ {policy} }}; {fields} }}\n"


class GeneratorTest(unittest.TestCase):
    """A test with a temporary folder for its schema."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"
        self.out.mkdir()
        self.lock = self.folder / "packets.lock"

    def write(self, text, name="test.proto"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def generate(self, *options, name="test.proto", env=None):
        words = [f"--gw_opt={option}" for option in options]
        command = [arguments.protoc, f"-I{self.folder}", f"-I{ROOT / 'proto'}",
                   f"--plugin=protoc-gen-gw={arguments.plugin}", *words, f"--gw_out={self.out}",
                   name]
        result = run(command, env=env or environment())
        # Under Wine, on a busy machine, the plugin sometimes ends with 1 and without a word; on Linux it never did.
        for _ in range(2):
            if not WINE or result.stderr.strip() != NO_WORD:
                break
            result = run(command, env=env or environment())
        return result

    def problems(self, text, *options, env=None):
        """The errors of a schema, one a line; then the plugin must write no file."""
        self.write(text)
        shutil.rmtree(self.out)
        self.out.mkdir()
        result = self.generate(*options, env=env)
        lines = result.stderr.splitlines()
        if result.returncode == 0:
            self.assertEqual(lines, [])
            return []
        self.assertEqual(lines[0], "--gw_out: ")
        self.assertEqual(list(self.out.iterdir()), [])
        return lines[1:]

    def descriptor_set(self, name="test.proto", root=None):
        path = self.folder / "set.bin"
        result = run([arguments.protoc, f"-I{root or self.folder}", f"-I{ROOT / 'proto'}",
                      "--include_imports", "--include_source_info",
                      f"--descriptor_set_out={path}", name])
        self.assertEqual(result.returncode, 0, result.stderr)
        return path

    def by_hand(self, descriptor_set, name="test.proto", opt=None):
        words = ["--opt", opt] if opt else []
        return run([arguments.plugin, "--descriptor-set", descriptor_set, "--file", name,
                    "--out", self.out, *words])


def main():
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--protoc", required=True)
    parser.add_argument("--protoc-gen-c", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--gen", required=True, help="what the build generated")
    parser.add_argument("--update", action="store_true", help="write the golden files anew")
    arguments, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
