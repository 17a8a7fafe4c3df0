"""Floods, resets, slow clients, idle connections and missing descriptors, against the echo server."""

import resource
import shutil
import socket
import subprocess
import time

from harness import LIVEZ, MB, Prober, Row, percentile, status


def send_until_refused(client, piece, count):
    """Sends like a flood and reads what comes; a reset is an answer too."""
    try:
        for _ in range(count):
            client.sendall(piece)
    except OSError:
        pass
    try:
        return client.recv(65536)
    except OSError:
        return b""


def floods(programs):
    """Oversized heads are refused at their limit, quickly and without gathering them."""
    rows = []
    with programs.echo() as server:
        before, descriptors = server.memory(), server.descriptors()
        for name, start, piece, count in [
            ("100 MB header line", b"GET / HTTP/1.1\r\nX: ", b"a" * 65536, 1600),
            ("100,000 headers", b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n" * 1000, 100),
            ("100 MB request line", b"GET /", b"a" * 65536, 1600),
        ]:
            began = time.monotonic()
            with server.connect() as client:
                client.sendall(start)
                answer = send_until_refused(client, piece, count)
            seconds = time.monotonic() - began
            grown = (server.memory() - before) / MB
            rows.append(Row(name, f"{status(answer) or 'reset'} in {seconds:.2f} s, {grown:+.1f} MB",
                            "refused in 1 s, +5 MB",
                            status(answer) in (0, 414, 431) and seconds < 1 and grown <= 5))
        back = server.settles(lambda: server.descriptors() <= descriptors)
        rows.append(Row("descriptors after floods", f"{descriptors} -> {server.descriptors()}", "all back", back))
    with programs.echo() as server:
        before, began = server.memory(), time.monotonic()
        with server.connect() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(500):
                client.sendall(b"1\r\na\r\n" * 1000)
            client.sendall(b"0\r\n\r\n")
            answer = client.recv(65536)
        seconds = time.monotonic() - began
        grown = (server.memory() - before) / MB
        rows.append(Row("500,000 chunks of one byte", f"{status(answer)} in {seconds:.2f} s, {grown:+.1f} MB",
                        "1 s, +5 MB", status(answer) == 200 and seconds < 1 and grown <= 5))
    return rows


def resets(programs):
    """Clients that vanish in the middle leave nothing behind."""
    with programs.echo() as server:
        for _ in range(50):
            server.exchange(LIVEZ)
        before, descriptors = server.memory(), server.descriptors()
        began = time.monotonic()
        for index in range(3000):
            client = server.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab" if index % 2 else b"GET /")
            client.close()
        back = server.settles(lambda: server.descriptors() <= descriptors)
        seconds = time.monotonic() - began
        grown = (server.memory() - before) / MB
        return [Row("3,000 resets in the middle of a request",
                    f"{seconds:.2f} s, {grown:+.1f} MB, descriptors {descriptors} -> {server.descriptors()}",
                    "1 s, +5 MB, all back", back and seconds < 1 and grown <= 5)]


def slow_clients(programs):
    """A thousand clients that drip are all dropped at the deadline, and a prober never notices them."""
    rows = []
    for name, start, drip in [
        ("heads", b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n"),
        ("bodies", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", b"a"),
    ]:
        with programs.echo() as server, Prober(server) as prober:
            began = time.monotonic()
            clients = [server.connect() for _ in range(1000)]
            for client in clients:
                client.sendall(start)
            dropped, turn = None, 0
            while time.monotonic() - began < 14 and not dropped:
                turn += 1
                for client in clients[turn % 10::10]:
                    try:
                        client.send(drip)
                    except OSError:
                        pass
                time.sleep(0.2)
                if server.descriptors() < 100:
                    dropped = time.monotonic() - began
            for client in clients:
                client.close()
        rows.append(Row(f"1,000 clients with slow {name}: all dropped",
                        f"{dropped:.1f} s" if dropped else "still there", "14 s", dropped is not None))
        rows.append(Row(f"/livez p99 beside 1,000 slow {name}", prober.figure, "10 ms", prober.p99 <= 10))
    return rows


def slowhttptest(programs):
    """The public tool's three attacks, with a prober of our own beside it."""
    if not shutil.which("slowhttptest"):
        return [Row("slowhttptest -H, -B, -X", "not installed", "", None)]
    rows = []
    for name, options in [
        ("-H (slow heads)", ["-H", "-i", "2", "-p", "3"]),
        ("-B (slow bodies)", ["-B", "-i", "2", "-s", "100000", "-p", "3"]),
        ("-X (slow reading)", ["-X", "-w", "10", "-y", "20", "-n", "2", "-z", "32", "-k", "3", "-p", "3"]),
    ]:
        with programs.echo() as server, Prober(server) as prober:
            tool = subprocess.run(
                ["slowhttptest", *options, "-c", "1000", "-r", "500", "-l", "16", "-t", "POST" if "B" in name else "GET",
                 "-u", f"http://127.0.0.1:{server.port}/"], capture_output=True, text=True)
            left = server.descriptors()
        available = "service available:   YES" in tool.stdout.replace("\033[1;32m", "") or "YES" in tool.stdout
        rows.append(Row(f"slowhttptest {name}, 1,000 connections: /livez p99", prober.figure, "10 ms",
                        prober.p99 <= 10 and available))
        rows.append(Row(f"slowhttptest {name}: descriptors left after 16 s", f"{left}", "100", left <= 100))
    return rows


def idle_connections(programs):
    """5,000 kept connections: all reusable, 4 KB each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(5000, hard - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
    with programs.echo() as server:
        for _ in range(100):
            server.exchange(LIVEZ)
        before = server.memory()
        clients = [server.connect() for _ in range(count)]

        def once():
            for client in clients:
                client.sendall(LIVEZ)
            return sum(status(client.recv(4096)) == 200 for client in clients)

        first = once()
        each = (server.memory() - before) / count
        second = once()
        for client in clients:
            client.close()
    return [Row(f"{count:,} idle kept connections: memory each", f"{each:,.0f} B", "4,096 B", each <= 4096),
            Row(f"{count:,} idle kept connections: reusable", f"{second:,}", "all", first == second == count)]


def out_of_descriptors(programs):
    """128 descriptors, 400 clients: no spin, no hang, and it recovers."""
    with programs.echo(descriptors=128) as server:
        clients, refused = [], 0
        for _ in range(400):
            client = server.connect()
            client.settimeout(0.01)
            clients.append(client)
        time.sleep(0.5)
        cpu, began = server.cpu_seconds(), time.monotonic()
        time.sleep(4)
        share = (server.cpu_seconds() - cpu) / (time.monotonic() - began)
        for client in clients:
            try:
                refused += status(client.recv(4096)) == 503
            except OSError:
                pass
        for client in clients:
            client.close()
        began = time.monotonic()
        recovered = server.settles(lambda: status(server.exchange(LIVEZ)) == 200, 5)
        return [Row("128 descriptors, 400 clients: CPU", f"{share * 100:.1f}%, {refused} told 503", "2%", share <= 0.02),
                Row("128 descriptors, 400 clients gone: recovers",
                    f"{(time.monotonic() - began) * 1000:.0f} ms" if recovered else "no", "5 s", recovered)]


CHECKS = [floods, resets, slow_clients, slowhttptest, idle_connections, out_of_descriptors]
