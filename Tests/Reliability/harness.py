"""Servers under test, what is read off them, and the rows of the scoreboard."""

import os
import resource
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/ImagesTests/Fixtures"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
MB = 1e6


class Row(NamedTuple):
    promise: str
    figure: str
    limit: str
    """None: reported, not judged."""
    kept: bool | None


class Server:
    """A program that prints its address at the end of its first line; killed at the end of the block."""

    def __init__(self, program, *arguments, descriptors=None, environment=None, cores=None):
        def prepare():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
            if cores:
                os.sched_setaffinity(0, cores)

        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(program), *map(str, arguments)], stdout=subprocess.PIPE, stderr=self.log, preexec_fn=prepare,
            env={**os.environ, "SWIFT_BACKTRACE": "enable=no", **(environment or {})})
        line = self.process.stdout.readline().decode()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"{program} did not start: {self.log.read()[-500:]}")
        self.port = int(line.rstrip("/\n").rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def exchange(self, request, timeout=20):
        """One request on a connection of its own; what the first read gives."""
        with self.connect(timeout) as client:
            client.sendall(request)
            return client.recv(65536)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return answer.read().decode()

    def metric(self, name):
        """The sum of a family's samples."""
        lines = (line.rsplit(" ", 1) for line in self.get("/metrics").splitlines() if line.startswith(name))
        return sum(float(value) for key, value in lines if key == name or key.startswith(name + "{"))

    def wait_until_ready(self):
        assert self.settles(lambda: self.exchange(
            b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")[9:12] == b"200", 60)

    def memory(self):
        """Private memory in bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))

    def peak_memory(self):
        """The most that was ever resident, in bytes, since `forget_peak`."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.peak_memory()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settles(self, condition, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.05)
        return condition()


class Programs:
    """The built programs."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def echo(self, *arguments, **options):
        server = Server(self.folder / "EchoServer", "--port", 0, *arguments, **options)
        server.exchange(LIVEZ)
        return server

    def lister(self, **options):
        return Server(self.folder / "MultipartLister", "--port", 0, **options)

    def paced(self, stage_milliseconds):
        server = Server(
            self.folder / "PacedServer", "--stage-milliseconds", stage_milliseconds, "--port", 0)
        server.wait_until_ready()
        return server

    def mllmseg(self, *arguments, **options):
        server = Server(
            self.folder / "mllmseg", "serve", "--port", 0, "--log-level", "error", *arguments, **options)
        return server


class Prober:
    """Times /livez on one kept connection until the block ends, from a process of its own: what it
    measures is the server's delay, not this interpreter's."""

    CODE = """
import socket, sys, time
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
times = []
import select
while not select.select([sys.stdin], [], [], 0.005)[0]:
    start = time.perf_counter()
    client.sendall(b"GET /livez HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n")
    assert client.recv(4096)[9:12] == b"200"
    times.append(time.perf_counter() - start)
times.sort()
print(len(times), times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3, times[-1] * 1e3)
"""

    def __init__(self, server):
        self.process = subprocess.Popen(
            ["python3", "-c", self.CODE, str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.write(b"\n")
        out, _ = self.process.communicate()
        count, self.median, self.p99, self.worst = map(float, out.split())
        self.count = int(count)

    @property
    def figure(self):
        return f"{self.p99:.1f} ms (median {self.median:.2f}, worst {self.worst:.1f}, {self.count:,} probes)"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def status(answer):
    """The status of an answer, 0 without one."""
    return int(answer[9:12]) if answer[9:12].isdigit() else 0


def read_response(client, pending=b""):
    """One whole response with Content-Length; b"" when the connection ends first. -> (response, rest)"""
    while b"\r\n\r\n" not in pending:
        piece = client.recv(65536)
        if not piece:
            return (b"", b"") if not pending else (pending, None)
        pending += piece
    head, _, rest = pending.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(rest) < length:
        piece = client.recv(65536)
        if not piece:
            return head + b"\r\n\r\n" + rest, None  # cut in the middle
        rest += piece
    return head + b"\r\n\r\n" + rest[:length], rest[length:]
