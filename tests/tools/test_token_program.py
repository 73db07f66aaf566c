"""tests/tools/test_token_program.py: gangway-token, and the login service of its README.

GW_TOKEN is the command that runs the program.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["GW_TOKEN"]
README = pathlib.Path(__file__).parents[2] / "tools/token/README.md"


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


class TokenProgram(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.keys = self.write("keys", run("key").stdout)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path

    def mint(self, *arguments):
        return run("mint", "--keys", self.keys, *arguments).stdout.strip()

    def show(self, token, *arguments):
        return run("show", "--keys", self.keys, *arguments, token)

    def test_a_key_is_a_number_and_64_digits_and_different_each_time(self):
        line = run("key", "--id", "4294967295").stdout
        self.assertRegex(line, r"\A4294967295:[0-9a-f]{64}\n\Z")
        self.assertNotEqual(line, run("key", "--id", "4294967295").stdout)

    def test_show_prints_what_mint_was_given(self):
        token = self.mint("--account", str(2**64 - 1), "--name", "Zoë", "--realm", "eu", "--seconds", "86400")
        shown = self.show(token, "--realm", "eu")
        self.assertEqual(shown.returncode, 0)
        lines = dict(line.split(": ") for line in shown.stdout.splitlines())
        begin, end = map(int, lines.pop("valid").split(" to "))
        self.assertEqual(end - begin, 86400)
        self.assertEqual(lines, {"result": "OK", "account": str(2**64 - 1), "name": "Zoë", "realm": "eu", "key": "1"})

    def test_show_exits_with_1_for_a_token_that_is_refused(self):
        token = self.mint("--account", "1")
        other = self.write("other", run("key").stdout)
        self.assertEqual(self.show(token).returncode, 0)
        for shown, result in ((self.show(token, "--realm", "eu"), "WRONG_REALM"),
                              (self.show(token[:-1] + "01"[token[-1] == "0"]), "FORGED"),
                              (self.show(token + "00"), "FORGED"),
                              (self.show("ff" * 160), "MALFORMED"),
                              (run("show", "--keys", other, token), "FORGED")):
            self.assertEqual(shown.returncode, 1)
            self.assertEqual(shown.stdout.splitlines()[0], "result: " + result)

    def test_the_login_service_of_the_readme_makes_valid_tokens(self):
        code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL).group(1)
        service = self.write("service.py", code)
        made = subprocess.run([sys.executable, service, self.keys, "42", "Ann é"], capture_output=True,
                              encoding="utf-8", timeout=60, check=False,
                              env={**os.environ, "PYTHONIOENCODING": "utf-8"})
        self.assertEqual(made.stderr, "")
        shown = self.show(made.stdout.strip())
        self.assertIn("result: OK\naccount: 42\nname: Ann é\nrealm: gangway\n", shown.stdout)

    def test_wrong_options_exit_with_2_and_name_the_remedy(self):
        long_name = "n" * 33
        broken = self.write("broken", "1:00\n")
        nul = self.write("nul", "1:\0")
        large = self.write("large", "#" * 70000)
        for arguments, words in (
                (["mint", "--keys", self.keys], "--account NUMBER"),
                (["mint", "--account", "1"], "--keys FILE"),
                (["mint", "--keys", self.keys, "--account", "0"], "from 1 to 18446744073709551615"),
                (["mint", "--keys", self.keys, "--account", "1", "--seconds", "86401"], "from 1 to 86400"),
                (["mint", "--keys", self.keys, "--account", "1", "--name", long_name], "at most 32 bytes"),
                (["mint", "--keys", self.keys, "--account", "1", "--name", "a\tb"], "printable"),
                (["mint", "--keys", self.keys, "--account", "1", "--realm", ""], "1 to 32 bytes"),
                (["mint", "--keys", "/no/such/file", "--account", "1"], "cannot open /no/such/file"),
                (["mint", "--keys", broken, "--account", "1"], "line 1 of the keys: a key has 64"),
                (["mint", "--keys", nul, "--account", "1"], "contains a NUL"),
                (["mint", "--keys", large, "--account", "1"], "longer than 65536 bytes"),
                (["mint", "--keys", self.keys, "--account", "1", "extra"], '"extra" is not an option'),
                (["show", "--keys", self.keys], "give one TOKEN"),
                (["show", "--keys", self.keys, "xx"], "hexadecimal digits"),
                (["show", "--keys", self.keys, "00" * 161], "hexadecimal digits"),
                (["key", "--keys", self.keys], "unknown option --keys"),
                (["key", "--id", "4294967296"], "from 1 to 4294967295"),
                (["steal"], '"steal" is not key, mint or show')):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_help_and_version_are_printed(self):
        self.assertIn("gangway-token mint", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"\Agangway-token \d+\.\d+\.\d+\n\Z")
        self.assertEqual(run().returncode, 2)


if __name__ == "__main__":
    unittest.main()
