"""Bodies that lie: pictures, multipart forms, checkpoints, smuggled requests, and what errors give away."""

import json
import re
import socket
import tempfile
import time
from pathlib import Path

import checkpoints
import forms
import pictures
from harness import LIVEZ, MB, ROOT, Row, percentile, read_response, status

HOSTILE = ROOT / "Tests/HTTPServerTests/Fixtures/hostile_requests.json"


def post_form(server, picture, filename, phrase=b"the dog"):
    body = (b"--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"%s\"\r\n\r\n" % filename.encode() + picture
            + b"\r\n--B\r\nContent-Disposition: form-data; name=\"expression\"\r\n\r\n" + phrase + b"\r\n--B--\r\n")
    with server.connect(60) as client:
        began = time.perf_counter()
        client.sendall(b"POST /segment HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=B\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answer, _ = read_response(client)
        return answer, time.perf_counter() - began


def images(programs):
    """Each picture in a form of its own, to the model as shipped."""
    with programs.mllmseg() as server:
        server.wait_until_ready()
        for _ in range(20):
            post_form(server, pictures.fixture("rgb8.png"), "a.png")
        worst, slowest, most, wrong, count = "", 0, 0, [], 0
        for name, data, filename, expected in pictures.cases():
            before = server.forget_peak()
            answer, seconds = post_form(server, data, filename)
            grown = (server.peak_memory() - before) / MB
            count += 1
            code = status(answer)
            if (code != expected) if expected else (code != 200 and not 400 <= code < 500):
                wrong.append(f"{name}: {code}")
            if seconds > slowest:
                worst, slowest = name, seconds
            most = max(most, grown)
        rows = [Row(f"{count} broken, odd and bomb pictures: answers", "; ".join(wrong) or "all 200 or a clear 4xx as expected",
                    "200 or 4xx, never 5xx", not wrong),
                Row("broken, odd and bomb pictures: slowest", f"{slowest * 1000:.0f} ms ({worst})", "100 ms", slowest < 0.1),
                Row("broken, odd and bomb pictures: memory", f"{most:+.1f} MB at the most", "+64 MB", most <= 64)]
        before = server.forget_peak()
        answer, seconds = post_form(server, pictures.black(6000, 6000), "a.png")
        rows.append(Row("a whole 6,000 x 6,000 PNG in 105 KB, within the pixel limit",
                        f"{status(answer)} in {seconds * 1000:.0f} ms, {(server.peak_memory() - before) / MB:+.0f} MB",
                        "reported only", None))
        rows.append(Row("the server afterwards", str(status(server.exchange(LIVEZ))), "200",
                        status(server.exchange(LIVEZ)) == 200))
    return rows


def multipart(programs):
    """Forms as strangers write them, listed by the parser."""
    wrong, count = [], 0
    with programs.lister() as server:
        for name, content_type, body, expected in forms.cases():
            request = (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                       % (content_type.encode(), len(body)) + body)
            with server.connect() as client:
                client.sendall(request)
                answer, _ = read_response(client)
            count += 1
            if isinstance(expected, int):
                good = status(answer) == expected
            else:
                found = json.loads(answer.partition(b"\r\n\r\n")[2]).get("parts")
                good = found is not None and [
                    (part["name"], part["filename"], bytes.fromhex(part["body_hex"])) for part in found] == expected
            if not good:
                wrong.append(f"{name}: {status(answer)}")
    return [Row(f"{count} multipart forms", "; ".join(wrong) or f"{count} of {count} as expected", "all, never a 5xx", not wrong)]


def smuggling(programs):
    """The corpus of hostile requests, each followed by a request that nobody may answer."""
    corpus = json.loads(HOSTILE.read_text())
    wrong, times = [], []
    with programs.echo() as server:
        for case in corpus:
            request = "".join(piece if isinstance(piece, str) else piece["repeat"] * piece["times"]
                              for piece in case["request"]).encode("latin-1")
            answer = b""
            with server.connect() as client:
                began = time.perf_counter()
                try:
                    client.sendall(request + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
                    client.shutdown(socket.SHUT_WR)
                    while piece := client.recv(65536):
                        answer += piece
                except OSError:
                    pass
                times.append(time.perf_counter() - began)
            if status(answer) != case["status"] or len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) != 1:
                wrong.append(case["name"])
    return [Row(f"{len(corpus)} smuggling and splitting payloads", "; ".join(wrong) or f"{len(corpus)} refused",
                "all refused, none answered twice", not wrong and len(corpus) >= 64),
            Row("smuggling payloads: time to refuse and close, p99", f"{percentile(times, 0.99) * 1000:.1f} ms", "1 s",
                percentile(times, 0.99) < 1)]


def broken_checkpoints(programs):
    """One broken file a case: the server says which file and tensor, at once, and does not start."""
    wrong, slowest = [], 0
    cases = list(checkpoints.cases())
    for name, change, words in cases:
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.copy_to(Path(folder))
            change(Path(folder))
            code, message, seconds = checkpoints.start(programs.folder / "mllmseg", folder)
        slowest = max(slowest, seconds)
        if code != 1 or seconds > 1 or not all(word in message for word in words):
            wrong.append(f"{name}: exit {code} after {seconds:.1f} s: {message[-160:]!r}")
    return [Row(f"{len(cases)} broken checkpoints", "; ".join(wrong) or f"{len(cases)} named, slowest {slowest:.2f} s",
                "exit 1 in 1 s, file and tensor named", not wrong)]


def secrets(programs):
    """Static files can't leave their folder, and errors tell nothing of the machine."""
    leaks = []
    with programs.mllmseg() as server:
        server.wait_until_ready()
        for path in ["/../Package.swift", "/..%2fPackage.swift", "/%2e%2e/Package.swift", "//etc/passwd", "/.git/config",
                     "/..%5cPackage.swift", "/index.html/../../Package.swift", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/./../etc/passwd",
                     "/%c0%ae%c0%ae/etc/passwd", "/etc/passwd", "/samples/../../README.md"]:
            answer = server.exchange(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % path.encode())
            if status(answer) not in (400, 404):
                leaks.append(f"{path}: {status(answer)}")
        broken = [pictures.fixture("444.jpg")[:200], b"\x89PNG\r\n\x1a\n", b"x", b""]
        answers = [post_form(server, data, "secret-name.png", b"x" * 9)[0] for data in broken]
        for request in [b"GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", b"POST /segment HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n{",
                        b"POST /segment HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"image\":"]:
            answers.append(server.exchange(request))
        for answer in answers:
            text = answer.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
            for word in [str(ROOT), "Swift", ".swift", "secret-name", "Optional(", "Error(", "ImageError", "0x"]:
                if word in text:
                    leaks.append(f"{word!r} in {text[:80]!r}")
    return [Row("12 ways out of Public/, 7 errors read for paths and type names", "; ".join(leaks) or "nothing leaks",
                "nothing", not leaks)]


CHECKS = [images, multipart, smuggling, broken_checkpoints, secrets]
