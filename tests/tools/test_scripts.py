"""tests/tools/test_scripts.py: Tests of the scripts in tools/, with a stub of cmake."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
WARNING = """../../server/a.c: In function 'f':
../../server/a.c:3:9: warning: unused variable 'x' [-Wunused-variable]
    3 |     int x;
      |         ^
"""
BUILT = """Preset CMake variables:

  CMAKE_BUILD_TYPE="Release"

-- Configuring done
-- Build files have been written to: build
"""


class Scripts(unittest.TestCase):
    """A copy of tools/, a stub of the server, and a stub of cmake with a given output."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        (self.top / "tools").mkdir()
        for script in [*TOOLS.glob("*.sh"), TOOLS / "packets"]:
            shutil.copy(script, self.top / "tools")
        self.program("build/release/gangway-server", 'echo "it serves"')

    def program(self, path, text):
        path = self.top / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def build_says(self, text, status=0):
        """Sets the output of a build; the output of configuring is fixed."""
        (self.top / "configured").write_text(BUILT)
        (self.top / "said").write_text(text)
        self.program("bin/cmake", f'[ "$1" = --build ] || exec cat "{self.top}/configured"\n'
                                  f'cat "{self.top}/said"; exit {status}')

    def run_script(self, *words, **more):
        path = f"{self.top}/bin:{os.environ['PATH']}"
        return subprocess.run([self.top / "tools" / words[0], *words[1:]], text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})

    def test_warnings_of_a_build_that_succeeds_are_shown(self):
        self.build_says("[0/2] Re-checking globbed directories...\n[1/2] Building C object a.c.o\n" + WARNING +
                        "[2/2] Linking C executable gangway-server\n")
        done = self.run_script("run.sh")
        self.assertEqual((done.returncode, done.stdout), (0, "it serves\n"))
        self.assertIn(WARNING + "gangway: the compiler warns, see above\n", done.stderr)
        for noise in ("[1/2]", "-- ", "CMAKE_BUILD_TYPE"):
            self.assertNotIn(noise, done.stderr)

    def test_a_build_without_warnings_is_silent(self):
        self.build_says("[0/2] Re-checking globbed directories...\n[1/2] Building C object a.c.o\nninja: no work to do.\n")
        done = self.run_script("run.sh")
        self.assertEqual((done.returncode, done.stdout), (0, "it serves\n"))
        self.assertNotIn("a.c", done.stderr)
        self.assertNotIn("the compiler warns", done.stderr)

    def test_a_failed_build_shows_its_log_and_starts_no_server(self):
        self.build_says("FAILED: a.c.o\n", status=1)
        done = self.run_script("run.sh")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("FAILED: a.c.o\n", done.stderr)

    def test_help_exits_with_0_and_a_write_error_does_not(self):
        for script in ("packets", "test.sh"):
            done = self.run_script(script, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), script)
            self.assertIn(f"tools/{script}", done.stdout)
            with open("/dev/full", "w", encoding="ascii") as full:
                done = self.run_script(script, "--help", stdout=full)
            self.assertNotEqual(done.returncode, 0, script)
            self.assertIn("No space left on device", done.stderr)
            done = self.run_script(script, "--dance")
            self.assertEqual((done.returncode, done.stdout), (2, ""), script)


if __name__ == "__main__":
    unittest.main(verbosity=2)
