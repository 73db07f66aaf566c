#!/usr/bin/env python3
"""tests/commands.py [--check BUILD | --only REGEX]: Runs each command that README.md names, once and briefly.

--check runs no command: it fails when README.md names a command that is not in the tables below, when a
table has one that README.md does not name, or when a test named in SUITE does not exist.
Each output line has the command, its result and its time. The exit status is 1 when a command failed.
"""

import argparse
import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
LISTENING = re.compile(r" listening on (\S+)")
WAIT_S = 1500
SERVER = object()  # stands for the address of a server that tools/run.sh serves

# Commands of README.md, and what is run for each: the same words or a brief form.
BRIEF = {
    "tools/setup.sh test": ["tools/setup.sh", "test"],
    "tools/packets list": ["tools/packets", "list"],
    "tools/run.sh": ["tools/run.sh", "--version"],
    "tools/run.sh --log-packets": ["tools/run.sh", "--print-config", "--log-packets"],
    "tools/dummy.sh --clients 3 --script hello --seconds 2":
        ["tools/dummy.sh", "--connect", SERVER, "--clients", "3", "--script", "hello", "--seconds", "2"],
    "tools/dummy.sh --clients 2000 --script mixed --rate 5 --seconds 20":
        ["tools/dummy.sh", "--connect", SERVER, "--clients", "200", "--script", "mixed", "--rate", "5", "--seconds", "2"],
    "tools/dummy.sh --clients 2 --send Emote":
        ["tools/dummy.sh", "--connect", SERVER, "--clients", "2", "--send", "Chat", "--seconds", "1"],
    "gangway-dummy --help": ["build/release/gangway-dummy", "--help"],
    "cmake --preset debug": ["cmake", "--preset", "debug"],
    "cmake --build --preset debug": ["cmake", "--build", "--preset", "debug", "--target", "gangway-server"],
    "tools/test.sh": ["tools/test.sh", "--list"],
    "tools/test.sh --coverage": ["tools/test.sh", "--coverage", "--only", "^test_net_(buf|ring)$"],
    "tools/bench.sh --quick": ["tools/bench.sh", "--quick", "--only", "^rooms of 100,", "--repeats", "1"],
    "tools/run.sh --windows": ["tools/run.sh", "--windows", "--version"],
}
# Commands that README.md does not write out.
MORE = [["tools/packets", "accept"], ["build/release/gangway-server", "--print-config"]]
# Programs with --help.
HELPS = ["tools/run.sh", "tools/dummy.sh", "tools/test.sh", "tools/bench.sh", "tools/packets",
         "build/release/protoc-gen-gw"]
# Commands that a test of the suite runs.
SUITE = {
    "tshark -X": "wireshark",
    "cmake -S . -B build/library": "test_consumer_static",
    "cmake --build build/library": "test_consumer_static",
    "cmake --install build/library": "test_consumer_static",
    "pkg-config --cflags --libs gangway": "test_consumer_static",
    "protoc -I. -I$(pkg-config": "test_consumer_static",
}
# Commands that do not run here, and why.
ELSEWHERE = {
    "tools/test.sh --windows": ".ci/run runs it",
    "cmake --build --preset mingw": "tools/test.sh --windows runs it",
    "pacman -S": "on Windows",
    "cmake -S . -B build -": "on Windows",
    "cmake --build build": "on Windows",
    "ctest --test-dir build": "on Windows",
}

WORDS = r"(?:(?:\./)?tools/[\w.-]+|cmake|ctest|protoc|pkg-config|tshark|pacman|gangway-server|gangway-dummy)"


def commands_of(text):
    """The commands that a document names: in code blocks, and in code within a sentence."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r" *\\\n\s*", " ", text)
    blocks = re.findall(rf"^ {{4,}}({WORDS}(?: .*)?)$", text, re.MULTILINE)
    words = re.findall(rf"`({WORDS}(?:\s[^`]*)?)`", text)
    commands = {" ".join(command.split()).removeprefix("./") for command in blocks + words}
    # The name of a program, or of a file that is not run, is no command.
    return sorted(command for command in commands if " " in command or command.endswith(".sh"))


def is_known(command):
    return command in BRIEF or any(command.startswith(start) for start in (*SUITE, *ELSEWHERE))


def check(build):
    """Returns the findings."""
    named = commands_of((TREE / "README.md").read_text())
    findings = [f"README.md names a command that nothing runs: {command}" for command in named if not is_known(command)]
    findings += [f"README.md does not name: {start}" for start in (*BRIEF, *SUITE, *ELSEWHERE)
                 if not any(command.startswith(start) for command in named)]
    tests = subprocess.run(["ctest", "--test-dir", build, "-N"], check=True, text=True, stdout=subprocess.PIPE).stdout
    findings += [f"there is no test {name}" for name in set(SUITE.values()) if not re.search(rf": {name}$", tests, re.MULTILINE)]
    # The check must be able to fail.
    wrong = "Try `./tools/dance.sh\n--fast`:\n\n    ./tools/sing.sh --loud\n"
    if [command for command in commands_of(wrong) if not is_known(command)] != ["tools/dance.sh --fast", "tools/sing.sh --loud"]:
        findings.append("wrong commands are not found")
    return findings


@contextlib.contextmanager
def server():
    """Runs tools/run.sh until the block ends; then it must stop with status 0."""
    process = subprocess.Popen(["tools/run.sh", "--listen", "127.0.0.1:0"], cwd=TREE, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        found = None
        while not found:
            line = process.stdout.readline()
            if not line:
                raise AssertionError("tools/run.sh is not listening")
            found = LISTENING.search(line)
        yield found.group(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT_S)
        if process.returncode != 0:
            raise AssertionError(f"tools/run.sh ended with {process.returncode}")
    finally:
        process.kill()
        process.communicate()


def run(words):
    """Runs one command and prints its result. Returns whether it succeeded."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        try:
            if SERVER in words:
                address = stack.enter_context(server())
                words = [address if word is SERVER else word for word in words]
            done = subprocess.run(words, cwd=TREE, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, errors="replace", timeout=WAIT_S, check=False)
            status, output = done.returncode, done.stdout
            stack.close()
        except (AssertionError, OSError, subprocess.TimeoutExpired) as why:
            status, output = str(why), ""
    print(f"commands: {time.monotonic() - began:5.0f} s  {'ok    ' if status == 0 else 'FAILED'}  {' '.join(words)}",
          flush=True)
    if status != 0:
        print(output, f"commands: exit status {status}", sep="\n", flush=True)
    return status == 0


def main():
    parser = argparse.ArgumentParser(description="Runs each command that README.md names.")
    parser.add_argument("--check", metavar="BUILD", help="run no command, compare the tables with README.md")
    parser.add_argument("--only", metavar="REGEX", default="", help="only commands that match")
    options = parser.parse_args()
    # A shell starts background jobs with SIGINT ignored. A server that inherits that does not stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if options.check:
        findings = check(options.check)
        print("\n".join(findings) or "each command of README.md is run")
        sys.exit(1 if findings else 0)
    every = [*BRIEF.values(), *MORE, *([tool, "--help"] for tool in HELPS)]
    wanted = [words for words in every
              if re.search(options.only, " ".join(word for word in words if word is not SERVER))]
    failed = [words for words in wanted if not run(words)]
    if not wanted:
        print(f"commands: none matches {options.only}")
    print(f"commands: {len(wanted) - len(failed)} ran, {len(failed)} failed")
    sys.exit(1 if failed or not wanted else 0)


if __name__ == "__main__":
    main()
