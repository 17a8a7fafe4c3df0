#!/usr/bin/env python3
"""Holds the HTTP server to its promises under bad clients and prints the scoreboard as a table.

    swift build -c release --product EchoServer
    Tests/Reliability/http_reliability.py .build/release/EchoServer [check ...]

Each check starts an EchoServer of its own on a free loopback port, needs nothing but Python's standard
library and is bounded in count and time. The exit status is the number of promises that were not kept.
"""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, binary, *arguments, descriptors=None):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [binary, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            preexec_fn=limit)
        self.port = int(self.process.stdout.readline().decode().rsplit(":", 1)[1])
        self.exchange(LIVEZ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def exchange(self, request, timeout=20):
        with self.connect(timeout) as client:
            client.sendall(request)
            return client.recv(65536)

    def memory(self):
        """Private memory in bytes."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Private_"))

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


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


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


def flood(binary):
    """Oversized heads are refused at their limit, quickly and without gathering them."""
    with Server(binary) as server:
        before, descriptors = server.memory(), server.descriptors()
        results = []
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
            grown = server.memory() - before
            refused = answer[9:12] in (b"431", b"414") or answer == b""
            results.append((f"{name}: refused in 1 s, +5 MB", refused and seconds < 1 and grown < 5e6,
                            f"{answer[9:12].decode() or 'reset'}, {seconds:.2f} s, {grown / 1e6:+.1f} MB"))
        closed = server.settles(lambda: server.descriptors() <= descriptors)
        results.append(("descriptors come back", closed, f"{descriptors} -> {server.descriptors()}"))
        return results


def tiny_chunks(binary):
    """A body of one-byte chunks costs no more than its bytes."""
    with Server(binary) as server:
        before = server.memory()
        began = time.monotonic()
        with server.connect() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(500):
                client.sendall(b"1\r\na\r\n" * 1000)
            client.sendall(b"0\r\n\r\n")
            answer = client.recv(65536)
        seconds = time.monotonic() - began
        return [("500,000 one-byte chunks: under 1 s", answer[9:12] == b"200" and seconds < 1,
                 f"{seconds:.2f} s, {(server.memory() - before) / 1e6:+.1f} MB")]


def resets(binary):
    """Clients that vanish in the middle leave nothing behind."""
    with Server(binary) as server:
        for _ in range(50):
            server.exchange(LIVEZ)
        before, descriptors = server.memory(), server.descriptors()
        began = time.monotonic()
        for index in range(3000):
            client = server.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab" if index % 2 else b"GET /")
            client.close()
        seconds = time.monotonic() - began
        closed = server.settles(lambda: server.descriptors() <= descriptors)
        grown = server.memory() - before
        return [("3,000 resets: +5 MB, descriptors back", closed and grown < 5e6,
                 f"{seconds:.2f} s, {grown / 1e6:+.1f} MB, {descriptors} -> {server.descriptors()}")]


def slow_clients(binary):
    """A thousand clients that drip are all dropped at the deadline, and a prober never notices them."""
    results = []
    for name, start, drip in [
        ("slow heads", b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n"),
        ("slow bodies", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", b"a"),
    ]:
        with Server(binary) as server:
            began = time.monotonic()
            clients = [server.connect() for _ in range(1000)]
            for client in clients:
                client.sendall(start)
            times, dropped = [], None
            while time.monotonic() - began < 14:
                for client in clients[::10]:
                    try:
                        client.send(drip)
                    except OSError:
                        pass
                for _ in range(20):
                    probe = time.monotonic()
                    server.exchange(LIVEZ)
                    times.append(time.monotonic() - probe)
                    time.sleep(0.01)
                if server.descriptors() < 100:
                    dropped = time.monotonic() - began
                    break
            for client in clients:
                client.close()
            p99 = percentile(times, 0.99) * 1000
            results.append((f"1,000 {name}: dropped by 14 s", dropped is not None,
                            f"{dropped:.1f} s" if dropped else "still there"))
            results.append((f"1,000 {name}: /livez p99 10 ms", p99 <= 10, f"{p99:.1f} ms"))
    return results


def idle_connections(binary):
    """5,000 kept connections: all reusable, 4 KB each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(5000, hard - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
    with Server(binary) as server:
        for _ in range(100):
            server.exchange(LIVEZ)
        before = server.memory()
        clients = [server.connect() for _ in range(count)]

        def once():
            for client in clients:
                client.sendall(LIVEZ)
            return sum(client.recv(4096)[9:12] == b"200" for client in clients)

        first = once()
        each = (server.memory() - before) / count
        second = once()
        for client in clients:
            client.close()
        return [(f"{count:,} idle connections: 4 KB each", each <= 4096, f"{each:.0f} B"),
                (f"{count:,} idle connections: all reusable", first == second == count, f"{second:,}")]


def out_of_descriptors(binary):
    """128 descriptors, 400 clients: no spin, no hang, and it recovers."""
    with Server(binary, descriptors=128) as server:
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
                refused += client.recv(4096)[9:12] == b"503"
            except OSError:
                pass
        for client in clients:
            client.close()
        recovered = server.settles(lambda: server.exchange(LIVEZ)[9:12] == b"200", 5)
        return [("out of descriptors: 2% CPU", share <= 0.02, f"{share * 100:.1f}%, {refused} told 503"),
                ("out of descriptors: recovers", recovered, "yes" if recovered else "no")]


def terminate_under_load(binary):
    """SIGTERM while 16 clients ask without pause: nothing that was accepted is cut."""
    cut = answered = 0
    slowest = 0.0
    for _ in range(20):
        with Server(binary) as server:
            counts = {"cut": 0, "answered": 0}

            def ask():
                while True:
                    try:
                        client = server.connect(5)
                    except OSError:
                        return
                    with client:
                        while True:
                            try:
                                client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
                                answer = client.recv(4096)
                            except OSError:
                                answer = b""
                            if not answer:
                                # Closed between two requests: nothing had been accepted.
                                break
                            if answer.endswith(b"hello"):
                                counts["answered"] += 1
                            else:
                                counts["cut"] += 1
                            if b"Connection: close" in answer:
                                break

            threads = [threading.Thread(target=ask) for _ in range(16)]
            for thread in threads:
                thread.start()
            time.sleep(0.2)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(15)
            slowest = max(slowest, time.monotonic() - began)
            for thread in threads:
                thread.join()
            cut += counts["cut"] + (status != 0)
            answered += counts["answered"]
    return [("SIGTERM under load, 20 rounds: 0 cut, exit in 1 s", cut == 0 and slowest < 1.5,
             f"{answered:,} answered, {cut} cut, slowest {slowest:.2f} s")]


def soak(binary):
    """200,000 requests with one in twenty malformed and one in twenty aborted: memory stays."""
    with Server(binary) as server:
        def run(count):
            client = server.connect()
            for index in range(count):
                kind = index % 20
                if kind == 7:
                    server.exchange(b"GET / HTTP/1.1\nHost: h\n\n")
                elif kind == 13:
                    with server.connect() as gone:
                        gone.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
                else:
                    client.sendall(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
                    client.recv(4096)
            client.close()

        run(100000)  # until the allocator has settled
        before, descriptors = server.memory(), server.descriptors()
        began = time.monotonic()
        run(200000)
        seconds = time.monotonic() - began
        grown = (server.memory() - before) / 200
        closed = server.settles(lambda: server.descriptors() <= descriptors)
        return [("soak of 200,000: 0.1 KB per 1,000 requests", grown <= 102.4 and closed,
                 f"{grown:.0f} B, {seconds:.0f} s, {descriptors} -> {server.descriptors()} descriptors")]


CHECKS = [flood, tiny_chunks, resets, slow_clients, idle_connections, out_of_descriptors, terminate_under_load,
          soak]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    wanted = sys.argv[2:] or [check.__name__ for check in CHECKS]
    failures = 0
    print("| promise | kept | measured |\n| --- | --- | --- |")
    for check in CHECKS:
        if check.__name__ not in wanted:
            continue
        for promise, kept, measured in check(sys.argv[1]):
            failures += not kept
            print(f"| {promise} | {'yes' if kept else 'NO'} | {measured} |", flush=True)
    sys.exit(failures)


if __name__ == "__main__":
    main()
