"""A stand-in for the server that answers with the JSON of the real one, with failures on demand, for testing the page.

Run by hand to work on the page: python3 Tests/Browser/mock_server.py [port]
"""

import base64
import hashlib
import io
import json
import socket
import sys
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

PUBLIC = Path(__file__).resolve().parents[2] / "Public"
INTERFACE = PUBLIC.parent / "Sources/SegmentationAPI/openapi.json"
# What a strict operator's proxy would add: the page must live with it.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'"

PROBLEMS = {
    "queue-full": (429, "Too Many Requests", "queue 64/64"),
    "loading": (503, "Service Unavailable", "loading the model"),
    "internal": (500, "Internal Server Error", "the model failed"),
    "unauthorized": (401, "Unauthorized", "an API key is needed"),
    "image-too-large": (413, "Content Too Large", "60000000 pixels; at most 50000000 are taken"),
    "unsupported-image": (415, "Unsupported Media Type", "not a JPEG, PNG or WebP picture"),
    "expression-too-long": (422, "Unprocessable Content", "an expression has at most 256 characters"),
    "deadline-exceeded": (504, "Gateway Timeout", "the deadline passed in the queue"),
    "image-unknown": (404, "Not Found", "no picture with this image_id is cached"),
}


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


SAMPLE = png(Image.new("RGB", (160, 120), (90, 150, 120)))


class MockServer(ThreadingHTTPServer):
    """`failures` is a list of problem names, or "drop", "garbage"; each request takes the first one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.failures = []
        self.delay = 0.0
        self.ready = True
        self.limits = {"body_bytes": 20 * 1024 * 1024, "pixels": 50_000_000}
        self.samples = None
        self.can_reject = True
        # Where one is set, /v2/models asks for it.
        self.key = None
        self.images = {}
        self.requests = []
        self.connections = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def stop(self):
        """Stops listening and breaks the connections that browsers keep open."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # a browser that closes early is no news


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MockServer

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, directory=str(PUBLIC), **keywords)

    def log_message(self, *arguments):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    # The whole service also stands under /some/path/, as behind a proxy.
    def route(self):
        path = self.path.split("?")[0]
        return "/" + path.removeprefix("/some/path/") if path.startswith("/some/path/") else path

    def do_GET(self):
        self.path = route = self.route()
        if route == "/readyz":
            return self.answer(200 if self.server.ready else 503, {"ready": self.server.ready})
        if route == "/health":
            return self.answer(200, {"phase": "ready", "model": {"name": "mllmseg-mock"}, "limits": self.server.limits})
        if route == "/openapi.json" and self.server.ready:
            return self.answer(200, INTERFACE.read_bytes())
        if route == "/v2/models":
            allowed = self.server.key is None or self.headers["Authorization"] == f"Bearer {self.server.key}"
            return self.answer(200, {"models": ["mllmseg-mock"]}) if allowed else self.problem("unauthorized")
        if route == "/samples/samples.json":
            # Never those of the folder: cases say themselves which there are.
            samples = self.server.samples
            return self.answer(404, {"status": 404}) if samples is None else self.answer(200, {"samples": samples})
        if route == "/samples/sample.png":
            return self.answer(200, SAMPLE, "image/png")
        return super().do_GET()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.route() != "/segment":
            return self.answer(404, {"status": 404})
        time.sleep(self.server.delay)
        failure = self.server.failures.pop(0) if self.server.failures else None
        if failure == "drop":
            self.close_connection = True
            return None
        if failure == "garbage":
            return self.answer(200, {"hello": "I am something else"})
        if failure:
            return self.problem(failure)
        return self.segment(body)

    def segment(self, body):
        fields = self.fields(body)
        self.server.requests.append({**fields, "image": fields["image"] is not None})
        known = fields["image_id"] in self.server.images
        if fields["image"] is None and not known:
            return self.problem("image-unknown")
        data = fields["image"] or self.server.images[fields["image_id"]]
        digest = hashlib.sha256(data).hexdigest()
        hit = digest in self.server.images
        self.server.images[digest] = data
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        timings = {"queue": 3.1, "decode": 4.0, "vision": 0.0 if hit else 210.4, "language": 90.2, "mask": 12.5, "encode": 2.2}
        return self.answer(200, {
            "id": "mock", "model": "mllmseg-mock", "can_reject": self.server.can_reject,
            "image": {"width": picture.width, "height": picture.height, "sha256": digest, "image_id": digest, "exif_orientation": 1},
            "results": [result(expression, picture.size) for expression in fields["expressions"]],
            "timings_ms": timings, "cache": {"image": "hit" if hit else "miss"},
        })

    def fields(self, body):
        kind = self.headers["Content-Type"]
        if kind.startswith("application/json"):
            sent = json.loads(body)
            image = base64.b64decode(sent["image"].split(",")[-1]) if "image" in sent else None
            return {"image": image, "image_id": sent.get("image_id"), "key": self.headers["Authorization"],
                    "expressions": sent.get("expressions") or [sent["expression"]], "threshold": str(sent.get("threshold", 0.5))}
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        found = {"image": None, "image_id": None, "expressions": [], "threshold": None, "key": self.headers["Authorization"]}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            data = part.get_payload(decode=True)
            if name == "image":
                found["image"] = data
            elif name == "expression":
                found["expressions"].append(data.decode())
            elif name == "threshold":
                found["threshold"] = data.decode()
        return found

    def problem(self, name):
        status, title, detail = PROBLEMS[name]
        headers = {"Retry-After": "2"} if status in (429, 503) else {}
        self.answer(status, {
            "type": f"urn:mllmseg:problem:{name}", "title": title, "status": status, "detail": detail,
            "instance": "urn:request:mock-1", "error": detail,
        }, "application/problem+json", headers)

    def answer(self, status, document, kind="application/json", headers=None):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def result(expression, size):
    """A mask whose place follows from the phrase; none where it asks for a unicorn, an empty one for a ghost."""
    if "unicorn" in expression:
        return {"expression": expression, "rejected": True, "reject_score": 0.98, "masks": []}
    width, height = size
    if "ghost" in expression:
        empty = {"bbox": [0, 0, 0, 0], "area": 0, "score": 0, "png": base64.b64encode(png(Image.new("1", size))).decode(), "coco_rle": {"size": [height, width], "counts": "?"}}
        return {"expression": expression, "rejected": False, "score": 0, "masks": [empty]}
    seed = hashlib.sha256(expression.encode()).digest()
    places = [(seed[0] / 255, seed[1] / 255)]
    if expression.startswith("two"):
        places.append((1 - places[0][0], places[0][1]))
    masks = [mask(width, height, x, y) for x, y in places]
    return {"expression": expression, "rejected": False, "score": 0.93, "masks": masks}


def mask(width, height, x, y):
    radius = min(width, height) // 5
    left, top = round(x * (width - 2 * radius - 1)), round(y * (height - 2 * radius - 1))
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).ellipse((left, top, left + 2 * radius, top + 2 * radius), fill=255)
    box = image.getbbox() or (0, 0, 0, 0)
    return {
        "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]], "area": image.histogram()[255], "score": 0.93,
        "png": base64.b64encode(png(image.convert("1"))).decode(),
        "coco_rle": {"size": [height, width], "counts": "mock"},
    }


if __name__ == "__main__":
    server = MockServer(int(sys.argv[1]) if len(sys.argv) > 1 else 8090)
    print(server.url, flush=True)
    server.serve_forever()
