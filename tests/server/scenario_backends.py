"""tests/server/scenario_backends.py: Tests of the choice of a backend, and of its errors when the kernel refuses.

The refusals are real: tests/support/refuse.c has the kernel fail io_uring_setup(2), as a container does.
"""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SERVER = os.environ["GW_SERVER"]
DUMMY = os.environ["GW_DUMMY"]
REFUSE = os.environ["GW_REFUSE"]
CONTRACT = os.environ["GW_CONTRACT"]
CHOSEN = re.compile(r'\bbackend name="?(\w+)"? reason="([^"]*)"')
LISTENING = re.compile(r"listening on (\S+) \(backend=(\w+) ")
RUN_S = 30
SYSCTL = pathlib.Path("/proc/sys/kernel/io_uring_disabled")
REFUSED = "io_uring refused by this kernel: EPERM (" + (
    "a seccomp filter, of a container or a service; allow io_uring_setup, io_uring_enter, io_uring_register)"
    if not SYSCTL.exists() or SYSCTL.read_text().startswith("0") else
    "sysctl kernel.io_uring_disabled is not 0; with 1 the group of kernel.io_uring_group may use it)")
NO_MEMORY = ("io_uring refused by this kernel: ENOMEM (locked memory; allow 96 KiB for each worker: "
             "ulimit -l, LimitMEMLOCK=, --ulimit memlock=)")
REFUSALS = (("EPERM", REFUSED),
            ("ENOSYS", "io_uring refused by this kernel: ENOSYS (built without CONFIG_IO_URING, or a seccomp filter "
                       "answers for it)"),
            ("ENOMEM", NO_MEMORY),
            ("EMFILE", "no descriptor for io_uring: EMFILE (two for each worker: ulimit -n)"),
            ("EINVAL", "io_uring of this kernel is older than 6.1: EINVAL"))
BEST = "the best of this system"
NOBODY = 65534


def refusing(error):
    return [REFUSE, *error.split()] if error else []


class Server:
    """The server in a with statement; `error` is the kernel's result of io_uring_setup()."""

    def __init__(self, *options, error=None, program=SERVER, before=None):
        self.process = subprocess.Popen(
            [*refusing(error), program, "--admin", "off", "--listen", "127.0.0.1:0", "--drain-ms", "100", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=before)
        self.text = ""
        self.address = self.backend = None
        while self.address is None:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"the server ended at once: {self.text}")
            self.text += line
            found = LISTENING.search(line)
            if found:
                self.address, self.backend = found.groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.text += self.process.communicate(timeout=RUN_S)[0]


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S,
                          check=False)


def play(address, *options, error=None):
    return run(*refusing(error), DUMMY, "--connect", address, "--clients", "3", "--script", "hello",
               "--ramp", "0", "--rate", "20", "--seconds", "0.3", "--quiet", *options)


class Choice(unittest.TestCase):
    def assert_serves(self, backend, reason, *options, error=None):
        """The log has the backend and the reason once; the other line with a backend agrees; and clients are served."""
        with Server(*options, error=error) as server:
            done = play(server.address)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(server.process.returncode, 0, server.text)
        self.assertEqual(CHOSEN.findall(server.text), [(backend, reason)])
        self.assertEqual(server.backend, backend)

    def assert_plays(self, backend, reason, *options, error=None):
        with Server("--backend", "epoll") as server:
            done = play(server.address, *options, error=error)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(CHOSEN.findall(done.stderr), [(backend, reason)])
        self.assertIn(f"({backend}, workers:", done.stdout)

    def test_auto_chooses_io_uring_if_it_is_permitted(self):
        self.assert_serves("uring", BEST)
        self.assert_plays("uring", BEST)

    def test_auto_chooses_epoll_if_io_uring_is_refused_and_logs_why(self):
        for error, words in REFUSALS:
            self.assert_serves("epoll", words, error=error)
        self.assert_plays("epoll", REFUSED, error="EPERM")

    def test_auto_chooses_epoll_if_buffers_of_io_uring_are_refused(self):
        self.assert_serves("epoll", REFUSED, error="--late EPERM")

    def test_auto_chooses_epoll_if_rings_exceed_the_memory_lock_limit_and_logs_why(self):
        """Kernels from 6.14 on count rings as locked memory again, except with CAP_IPC_LOCK."""
        with tempfile.TemporaryDirectory() as folder:
            program = shutil.copy(SERVER, folder)  # in a folder where an unprivileged user can run it
            for path in (folder, program):
                os.chmod(path, 0o755)
            for kib, workers in ((8, 1), (64, 2), (128, 2), (2048, 64)):
                def limit(kib=kib):
                    resource.setrlimit(resource.RLIMIT_MEMLOCK, (kib * 1024, kib * 1024))
                    if os.geteuid() == 0:
                        os.setgroups([])
                        os.setresgid(NOBODY, NOBODY, NOBODY)
                        os.setresuid(NOBODY, NOBODY, NOBODY)

                with Server("--workers", str(workers), program=program, before=limit) as server:
                    pass
                self.assertEqual(server.process.returncode, 0, server.text)
                self.assertIn(CHOSEN.findall(server.text), ([("uring", BEST)], [("epoll", NO_MEMORY)]))

    def test_epoll_waits_without_epoll_pwait2(self):
        for error in ("ENOSYS", "EPERM"):
            self.assert_serves("epoll", "asked for", "--backend", "epoll", error=f"--epoll {error}")
        done = run(REFUSE, "--epoll", "ENOSYS", CONTRACT, "epoll", "2", "*deadline*")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("deadline", done.stdout)

    def test_an_idle_io_uring_does_not_count_as_waiting_for_a_disk(self):
        """/proc/stat counts each thread that waits in io_uring as blocked on I/O; kernels from 6.15 on do not."""
        if tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 15):
            self.skipTest("the kernel does not know IORING_ENTER_NO_IOWAIT")
        with Server("--backend", "uring", "--workers", "48"):
            blocked = []
            for _ in range(20):
                time.sleep(0.02)
                stat = pathlib.Path("/proc/stat").read_text()
                blocked.append(int(re.search(r"procs_blocked (\d+)", stat).group(1)))
        self.assertLess(min(blocked), 48)

    def test_a_backend_given_by_name_is_used(self):
        for backend in ("uring", "epoll"):
            self.assert_serves(backend, "asked for", "--backend", backend)
            self.assert_plays(backend, "asked for", "--backend", backend)
        self.assert_serves("epoll", "asked for", "--backend", "epoll", error="EPERM")

    def test_io_uring_by_name_is_an_error_if_refused(self):
        for error, words in REFUSALS:
            for program, says in ((SERVER, f"gangway-server: backend uring: {words}; give --backend auto\n"),
                                  (DUMMY, f"gangway-dummy: --backend uring: {words}; give auto\n")):
                done = run(REFUSE, error, program, "--backend", "uring")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", says))

    def test_the_contract_fails_on_a_refused_backend(self):
        done = run(REFUSE, "EPERM", CONTRACT, "uring", "1")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (77, "", f"uring: {REFUSED}\n"))

    def test_a_backend_of_another_system_is_an_error(self):
        for program in (SERVER, DUMMY):
            done = run(program, "--backend", "iocp")
            self.assertEqual(done.returncode, 2)
            self.assertIn("iocp: not a backend of this system", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
