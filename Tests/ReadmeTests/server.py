"""Starts the program as a server on a free port, for as long as a `with` block lasts."""

import contextlib
import signal
import socket
import subprocess
import time
import urllib.request

START_SECONDS = 60


@contextlib.contextmanager
def running(program, *options):
    """Yields the server's URL; at the end SIGTERM has to end it with status 0."""
    port = free_port()
    server = subprocess.Popen(
        [program, "serve", "--port", str(port), *options], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, server)
        yield url
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0, f"SIGTERM: exit status {server.returncode}"
    finally:
        server.kill()
        server.wait()


def wait_until_ready(url, server):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, f"the server ended with status {server.returncode}"
        try:
            urllib.request.urlopen(url + "/readyz", timeout=2)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"not ready within {START_SECONDS} s")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
