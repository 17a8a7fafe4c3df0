"""A proxy on this machine that keeps what passes through it."""

import http.client
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Recorder(ThreadingHTTPServer):
    """Passes requests on to `target`; use it in a `with` block."""

    daemon_threads = True

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = urlsplit(target)
        self.exchanges = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def trimmed(self, replacements):
        """What was kept, once for each different request, without what names machines and people."""
        text = json.dumps(self.exchanges)
        for name, substitute in replacements.items():
            text = text.replace(name, substitute)
        # A project's own token, which its webhooks carry.
        text = re.sub(r'("token": ")[^"]+', r"\1TOKEN", text)
        assert "127.0.0.1" not in text and "localhost" not in text, "the recording names this machine"
        seen, kept = set(), []
        for exchange in json.loads(text):
            key = json.dumps([exchange["method"], exchange["path"], exchange["body"]])
            if key not in seen:
                kept.append(exchange)
            seen.add(key)
        return kept


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def log_message(self, *arguments):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(self.server.target.hostname, self.server.target.port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.server.exchanges.append({
            "method": self.command, "path": self.path, "content_type": self.headers.get("Content-Type"),
            "body": json.loads(body) if body else None, "status": answer.status, "answer": json.loads(data),
        })
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = pass_on
