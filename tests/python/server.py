"""tests/python/server.py: Fixture: the server program, started on a free port and stopped after the test."""

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
SCHEME = os.environ.get("GW_SCHEME", "tcp")
START_S = 20
STOP_S = 20

# A shell starts background jobs with SIGINT ignored. A server that inherits that does not stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Server:
    """For a with statement. `options` go to the server; `descriptors` limits its open files.

    `admin` is the value of --admin; None: its default.
    """

    def __init__(self, *options, descriptors=None, admin="off"):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        options = [*options] if admin is None else ["--admin", admin, *options]
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", f"{SCHEME}://127.0.0.1:0", *options], stdin=subprocess.DEVNULL, text=True,
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
        """Waits for the log line with the port."""
        deadline = time.monotonic() + START_S
        while True:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                raise AssertionError("the server ended before it was listening:\n" + "\n".join(self.log))
            found = LISTENING.search(line)
            if found:
                return int(found.group(1))

    def wait_for_line(self, pattern):
        """Waits for a line of the log that has this regular expression, also one that was printed before."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            for line in list(self.log):
                if re.search(pattern, line):
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line of the log has {pattern}:\n" + "\n".join(self.log))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for its end and returns the exit status."""
        status = self.process.wait(STOP_S)
        self.reader.join(STOP_S)
        self.process.stdout.close()
        return status

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGINT)  # Ctrl-C, which also works under Wine
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            return "no status: it did not stop"

    def cpu_s(self):
        """The processor time it has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
