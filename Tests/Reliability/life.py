"""SIGTERM under load, a lost port, and answers that don't depend on company."""

import json
import random
import signal
import subprocess
import threading
import time
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from harness import FIXTURES, ROOT, Row, read_response, status
from load import segment_request


def terminated_round(server, request, clients=16, seconds=0.3):
    """SIGTERM while clients ask without pause. -> (counts, seconds to exit, exit status)

    A request that was sent whole before the signal has to be answered whole. One that was sent later may find
    its connection closed before a byte of it was read: such a client asks elsewhere, and it is counted apart.
    """
    counts, lock = Counter(), threading.Lock()
    signalled = [float("inf")]

    def ask():
        while True:
            try:
                client = server.connect(5)
            except OSError:
                return
            with client:
                rest = b""
                while True:
                    try:
                        client.sendall(request)
                        sent = time.monotonic()
                        answer, rest = read_response(client, rest)
                    except OSError:
                        answer, rest = b"", b""
                        sent = time.monotonic()
                    if rest is None:
                        outcome = "cut"
                    elif answer:
                        outcome = str(status(answer))
                    else:
                        outcome = "unanswered" if sent < signalled[0] else "closed unread"
                    with lock:
                        counts[outcome] += 1
                    if not answer or b"\r\nConnection: close\r\n" in answer:
                        break

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    signalled[0] = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(30)
    took = time.monotonic() - signalled[0]
    for thread in threads:
        thread.join()
    return counts, took, code


def sigterm(programs):
    rows = []
    echo = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    for name, start, request, rounds in [
        ("echo server", programs.echo, echo, 20),
        ("model", programs.mllmseg, segment_request(), 10),
    ]:
        total, slowest, codes = Counter(), 0, Counter()
        for _ in range(rounds):
            with start() as server:
                counts, took, code = terminated_round(server, request)
                total += counts
                slowest, codes[code] = max(slowest, took), codes[code] + 1
        bad = total["cut"] + total["unanswered"] + sum(total[code] for code in total if code.startswith("5") and code != "503")
        rows.append(Row(
            f"SIGTERM, 16 clients, {rounds} rounds ({name})",
            ", ".join(f"{total[key]:,} {key}" for key in sorted(total)) + f"; slowest exit {slowest:.2f} s",
            "0 cut or unanswered, exit 0 in 1 s", bad == 0 and set(codes) == {0} and slowest < 1))
    return rows + [readiness(programs)]


def readiness(programs):
    """/readyz turns at the signal; `--shutdown-delay` keeps the server listening so that it can be asked."""
    turned, late, served = [], 0, Counter()
    for _ in range(5):
        with programs.mllmseg("--shutdown-delay", "0.5") as server:
            samples = []

            def probe():
                while True:
                    try:
                        answer = server.exchange(b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n", 2)
                    except OSError:
                        return
                    samples.append((time.monotonic(), status(answer)))

            threads = [threading.Thread(target=probe) for _ in range(2)]
            for thread in threads:
                thread.start()
            time.sleep(0.2)
            signalled = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            served[status(server.exchange(segment_request()))] += 1
            server.process.wait(15)
            for thread in threads:
                thread.join()
        first = next((at - signalled for at, code in samples if at > signalled and code == 503), None)
        turned.append(first if first is not None else float("inf"))
        late += sum(code == 200 for at, code in samples if at > signalled + 0.05)
    worst = max(turned)
    return Row("/readyz after SIGTERM", f"503 within {worst * 1000:.0f} ms, {late} late 200s, work still taken in "
               f"{served[200]} of 5 rounds with --shutdown-delay", "at once (50 ms)",
               worst <= 0.05 and late == 0 and served[200] == 5)


def lost_port(programs):
    with programs.mllmseg() as server:
        began = time.monotonic()
        second = subprocess.run(
            [programs.folder / "mllmseg", "serve", "--port", str(server.port), "--log-level", "error"],
            capture_output=True, text=True, timeout=20)
        seconds = time.monotonic() - began
    lines = second.stderr.strip().splitlines()
    return [Row("a port in use", f"exit {second.returncode} in {seconds:.2f} s: \"{lines[0] if lines else ''}\"",
                "exit 1, one line", second.returncode == 1 and len(lines) == 1 and "in use" in lines[0])]


def same_answer(programs):
    """200 requests alone, then in shuffled company on a fresh server: equal to the last bit."""
    pictures = [ROOT / "Public/samples/apples.png", FIXTURES / "420.jpg", FIXTURES / "rgb16.png", FIXTURES / "exif6.jpg"]
    things = ["apple", "dog", "person", "cup", "chair", "ball", "tree", "car", "cat", "book"]
    phrases = [f"{how} {thing}" for thing in things for how in ("the", "the left", "a red", "the largest", "no")]
    jobs = [(picture, phrase) for picture in pictures for phrase in phrases][:200]

    def ask(server, job):
        picture, phrase = job
        body = picture.read_bytes()
        query = urllib.parse.urlencode({"expression": phrase, "format": "coco_rle"})
        with server.connect(60) as client:
            client.sendall(b"POST /segment?%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: image/%s\r\n"
                           b"Content-Length: %d\r\n\r\n"
                           % (query.encode(), b"png" if picture.suffix == ".png" else b"jpeg", len(body)) + body)
            answer, _ = read_response(client)
        assert status(answer) == 200, answer[:300]
        return json.loads(answer.partition(b"\r\n\r\n")[2])["results"]

    with programs.mllmseg() as server:
        server.wait_until_ready()
        alone = [ask(server, job) for job in jobs]
    with programs.mllmseg() as server, ThreadPoolExecutor(16) as pool:
        server.wait_until_ready()
        order = list(range(len(jobs)))
        random.Random(7).shuffle(order)
        mixed = dict(zip(order, pool.map(lambda index: ask(server, jobs[index]), order)))
        size = server.metric("mllmseg_batch_size_sum") / max(1, server.metric("mllmseg_batch_size_count"))
    different = sum(alone[index] != mixed[index] for index in order)
    found = sum(not result["rejected"] for results in alone for result in results)
    return [Row(f"{len(jobs)} requests alone and by 16 clients at once",
                f"{different} differ (batches of {size:.1f} on average, {found} with a mask)", "0 differ",
                different == 0 and len(jobs) == 200)]


CHECKS = [sigterm, lost_port, same_answer]
