"""tests/python/server.py: the real server, started on a free port for a story, and stopped after it."""

import os
import pathlib
import queue
import re
import resource
import signal
import subprocess
import threading
import time

PROGRAM = pathlib.Path(os.environ["GW_SERVER"])
LISTENING = re.compile(r"listening.*?127\.0\.0\.1:(\d+)")
START_S = 20
STOP_S = 20

# A shell starts its background jobs with SIGINT ignored. A server that inherits that goes on.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Server:
    """Use it in a with statement. `options` are the server's own; `descriptors` limits its files."""

    def __init__(self, *options, descriptors=None):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [PROGRAM, "--listen", "127.0.0.1:0", *options], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit, errors="replace")
        self.log = []
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.address = ("127.0.0.1", self.find_port())

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if kind or status != 0:
            print(f"the server ended with {status}; its log:", *self.log, sep="\n")
        if not kind and status != 0:
            raise AssertionError(f"the server ended with {status}")

    def read_log(self):
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            self.lines.put(line)
        self.lines.put(None)

    def find_port(self):
        """Waits for the line that tells the real port."""
        deadline = time.monotonic() + START_S
        while True:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                raise AssertionError("the server ended at once:\n" + "\n".join(self.log))
            found = LISTENING.search(line)
            if found:
                return int(found.group(1))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit status, once it has ended."""
        status = self.process.wait(STOP_S)
        self.reader.join(STOP_S)
        self.process.stdout.close()
        return status

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGINT)  # Ctrl-C, which Windows has too
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            return "nothing: it did not stop"

    def cpu_s(self):
        """The processor time it has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
