"""The plumbing's own speed, beside nginx and Go in the same run."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness import Row, percentile, read_response

HERE = Path(__file__).resolve().parent
UPLOAD_BYTES = 40_000
ROUNDS = 5

NGINX = """
daemon off; master_process off; worker_processes 1; error_log stderr crit; pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok\\n"; }} }} }}
"""

UPLOAD = """
local body = "--B\\r\\nContent-Disposition: form-data; name=\\"image\\"; filename=\\"a.jpg\\"\\r\\n\\r\\n"
  .. string.rep("\\255\\216jpeg", {repeats}) .. "\\r\\n--B\\r\\nContent-Disposition: form-data; name=\\"expression\\"\\r\\n\\r\\n"
  .. "the left dog\\r\\n--B--\\r\\n"
wrk.method = "POST"
wrk.body = body
wrk.headers["Content-Type"] = "multipart/form-data; boundary=B"
"""


def wrk(port, path, connections=32, seconds=3, script=None):
    """Requests a second, by one thread on the last core."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"]
    out = subprocess.run(command + (["-s", script] if script else []), capture_output=True, text=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if wrong:
        raise RuntimeError(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


class Anchor:
    """A server of somebody else's on core 0."""

    def __init__(self, command, port):
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stderr=subprocess.PIPE)
        time.sleep(0.7)
        if self.process.poll() is not None:
            raise RuntimeError(self.process.stderr.read().decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def compare(promise, ours, theirs, path, script=None):
    """Turn by turn, so that a slow moment of the machine meets both; the ratio is the median of the turns'."""
    turns = [(wrk(ours.port, path, script=script), wrk(theirs.port, path, script=script)) for _ in range(ROUNDS)]
    ratio = percentile([other / own for own, other in turns], 0.5)
    own, other = (percentile(rates, 0.5) for rates in zip(*turns))
    return Row(promise, f"{own:,.0f}/s against {other:,.0f}/s: {ratio:.2f}x", "1.5x", ratio <= 1.5)


def probe_speed(programs):
    """/livez on one core against nginx's static answer."""
    if not (shutil.which("wrk") and shutil.which("nginx")):
        yield Row("/livez against nginx", "not measured: wrk and nginx are needed", "", None)
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        (Path(folder) / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        with Anchor(["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"], port) as nginx:
            with programs.echo(cores={0}) as ours:
                yield compare("/livez, one core, 32 kept connections, against nginx `return 200` (test server)",
                              ours, nginx, "/livez")
            with programs.mllmseg(cores={0}) as ours:
                yield compare("the same, `mllmseg serve` with the model loaded", ours, nginx, "/livez")


def upload_speed(programs):
    """40 KB forms, parsed and answered with their parts' sizes, against Go's net/http on the same core."""
    if not (shutil.which("wrk") and shutil.which("go")):
        return [Row("40 KB forms against Go", "not measured: wrk and go are needed", "", None)]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "upload.lua"
        script.write_text(UPLOAD.format(repeats=UPLOAD_BYTES // 6))
        subprocess.run(["go", "build", "-o", f"{folder}/anchor", HERE / "anchor.go"], check=True,
                       env={"PATH": "/usr/bin:/bin:/usr/local/go/bin", "HOME": folder, "GOCACHE": f"{folder}/cache"})
        port = free_port()
        with Anchor([f"{folder}/anchor", port], port) as go, programs.lister(cores={0}) as ours:
            return [compare("40 KB form, parsed, one core, 32 connections, against Go net/http", ours, go, "/sizes", script)]


def added_latency(programs):
    """What HTTP adds to a request at 1,000 a second: the echo server's whole round trip of a 40 KB body."""
    body = b"x" * UPLOAD_BYTES
    request = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    times = []
    with programs.echo() as server:
        clients = [server.connect() for _ in range(8)]
        began, count = time.perf_counter(), 5000
        for index in range(count):
            while time.perf_counter() - began < index / 1000:
                pass
            client, start = clients[index % 8], time.perf_counter()
            client.sendall(request)
            read_response(client)
            times.append(time.perf_counter() - start)
        rate = count / (time.perf_counter() - began)
        for client in clients:
            client.close()
    median, p99 = percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000
    return [Row("40 KB there and back through HTTP and a handler's task at 1,000 a second",
                f"median {median:.2f} ms, p99 {p99:.2f} ms at {rate:,.0f}/s", "1 ms", p99 < 1 and rate > 950)]


CHECKS = [probe_speed, upload_speed, added_latency]
