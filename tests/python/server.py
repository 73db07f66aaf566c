"""tests/python/server.py: Fixture: the server program, started on a free port and stopped after the test."""

import os
import pathlib
import queue
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time

PROGRAM = pathlib.Path(os.environ["GW_SERVER"])
LISTENING = re.compile(r"listening on (?:unix:(?P<path>\S+)|.*?127\.0\.0\.1:(?P<port>\d+))")
SCHEME = os.environ.get("GW_SCHEME", "tcp")  # the kind of the listener: see gangway.Client
START_S = 20
STOP_S = 20

# A shell starts background jobs with SIGINT ignored. A server that inherits that does not stop.
signal.signal(signal.SIGINT, signal.default_int_handler)


def certify(folder):
    """Makes a certificate for 127.0.0.1. Returns the options of the server."""
    files = [f"{folder}/certificate.pem", f"{folder}/key.pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-out", files[0], "-keyout", files[1]], capture_output=True, timeout=60, check=True)
    return ["--tls-cert", files[0], "--tls-key", files[1]]


def listen_options(scheme, folder):
    """The options of a server with a listener of that kind, for clients of the same kind."""
    if scheme in ("tls", "wss"):
        os.environ["GW_CERTIFICATE"] = f"{folder}/certificate.pem"
        return ["--listen", f"{scheme}://127.0.0.1:0", *certify(folder)]
    if scheme == "unix":
        return ["--listen", f"unix:{folder}/socket"]
    if scheme == "proxy":
        return ["--listen", "127.0.0.1:0", "--proxy-from", "127.0.0.1"]
    return ["--listen", f"{scheme}://127.0.0.1:0"]


class Server:
    """For a with statement. `options` go to the server; `descriptors` limits its open files.

    `admin` is the value of --admin; None: its default.
    """

    def __init__(self, *options, descriptors=None, admin="off"):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        options = [*options] if admin is None else ["--admin", admin, *options]
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [PROGRAM, *listen_options(SCHEME, self.folder.name), *options], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit, errors="replace")
        self.log = []
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.address = self.find_address()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        self.folder.cleanup()
        if kind or status != 0:
            print(f"the server ended with {status}; its log:", *self.log, sep="\n")
        if not kind and status != 0:
            raise AssertionError(f"the server ended with {status}")

    def read_log(self):
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            self.lines.put(line)
        self.lines.put(None)

    def find_address(self):
        """Waits for the log line with the address."""
        deadline = time.monotonic() + START_S
        while True:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                raise AssertionError("the server ended before it was listening:\n" + "\n".join(self.log))
            found = LISTENING.search(line)
            if found:
                return found["path"] or ("127.0.0.1", int(found["port"]))

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
