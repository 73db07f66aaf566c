"""tools/bench/run.py: one server, one load, one result."""

import json
import os
import pathlib
import re
import signal
import subprocess

PATIENCE_S = 180


class Failed(Exception):
    """A run that failed, and the reason."""


class Absent(Exception):
    """A server that this machine does not run."""


def pin(processor):
    """A preexec_fn that pins the child to one processor, if there is more than one."""
    def stay():
        available = sorted(os.sched_getaffinity(0))
        if len(available) > 1:
            os.sched_setaffinity(0, {available[processor]})
    return stay


class Process:
    """A server, as a context manager. `said` is its output after SIGTERM."""

    def __init__(self, build, server, words=(), prefix=()):
        self.folder = pathlib.Path(build).resolve()
        self.path = self.folder / server.program
        self.command = [*prefix, str(self.path), *server.words, *words]
        self.said = ""

    def __enter__(self):
        if not self.path.exists():
            raise Absent(f"{self.path.name} was not built")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, preexec_fn=pin(0), cwd=self.folder)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            status = self.process.wait()
            raise (Absent if status == 77 else Failed)(f"{' '.join(self.command)}: status {status}")
        self.port = ready[1]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.said = self.process.communicate(timeout=PATIENCE_S)[0]

    @property
    def pid(self):
        return str(self.process.pid)


def make_certificate(build, name):
    """A key and its certificate, for the servers with TLS."""
    path = pathlib.Path(build, name)
    if not path.with_suffix(".pem").exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "3650", "-subj", "/CN=localhost", "-keyout", path.with_suffix(".key"),
                        "-out", path.with_suffix(".pem")], check=True, stderr=subprocess.DEVNULL)


def load(build, process, words):
    """Runs a load on a server. Returns the counts of the load generator."""
    command = [str(pathlib.Path(build, "bench-load")), "--port", process.port, "--pid", process.pid, *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=pin(-1), timeout=PATIENCE_S)
    if done.returncode != 0:
        raise Failed(f"{' '.join(process.command)} under {' '.join(words)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def floor_of(said, frame_bytes):
    """The time that the floor measured, for each message."""
    found = re.search(r"floor (\d+) ns (\d+) bytes", said)
    return int(found[1]) * frame_bytes / int(found[2])


def measure(build, cell, server, times):
    """One run of a cell on a server."""
    words = [*cell.words_for(server), *times, *cell.words]  # the options of the cell come last, and win
    with Process(build, server, cell.server_words) as process:
        result = load(build, process, words)
    if server.program == "bench-floor":
        frame_bytes = int(words[words.index("--bytes") + 1])
        result["cpu_ns_each"] = floor_of(process.said, frame_bytes)
    return result


def count_syscalls(build, cell, server, folder):
    """System calls for each message, under strace; in a run of its own, because strace slows it down."""
    summary = pathlib.Path(folder, "strace.txt")
    prefix = ("strace", "-f", "-c", "-o", str(summary))
    with Process(build, server, cell.server_words, prefix) as process:
        child = subprocess.run(["pgrep", "-P", process.pid], stdout=subprocess.PIPE, text=True, check=True)
        server_pid = child.stdout.split()[0]
        words = ["--pid", server_pid, *cell.words_for(server), "--warm-ms", "0", "--run-ms", "1500"]
        result = load(build, process, words)
        os.kill(int(server_pid), signal.SIGTERM)
    total = re.search(r"^\s*100\.00\s+\S+\s+\S*\s*(\d+)\s.*total", summary.read_text(), re.MULTILINE)
    return int(total[1]) / result["count"]
