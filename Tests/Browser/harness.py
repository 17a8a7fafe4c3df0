"""Runs cases against a fresh page each, and holds every page to what all of them promise:
no script error, no breach of the content security policy, no request to another host."""

import os
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mock_server import MockServer

CASES = []
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def case(function):
    CASES.append(function)
    return function


class Bench:
    """What a case gets: the mock server and pages on it."""

    def __init__(self, browser, screenshots):
        self.browser = browser
        self.screenshots = Path(screenshots) if screenshots else None
        self.server = None
        self.complaints = []

    def fresh(self):
        if self.server:
            self.server.stop()
        self.server = MockServer().start()
        self.complaints = []

    @contextmanager
    def page(self, path="", viewport=DESKTOP, **options):
        context = self.browser.new_context(viewport=viewport, accept_downloads=True, **options)
        context.set_default_timeout(20_000)
        page = context.new_page()
        own = urlsplit(self.server.url).netloc
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request, own))
        try:
            page.goto(self.server.url + path)
            yield page
        except BaseException:
            self.shot(page, "failure")
            if page.locator("#problem").is_visible():
                print("the page says:", page.inner_text("#problem"))
            raise
        finally:
            context.close()

    def _console(self, message):
        # Chromium writes every 4xx and 5xx to the console: those are what the cases provoke.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _request(self, request, own):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != own:
            self.complaints.append(f"request to another host: {request.url}")

    def shot(self, page, name):
        if self.screenshots:
            self.screenshots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)


def run(bench, only):
    failed = 0
    for function in CASES:
        name = function.__name__
        if only and only not in name:
            continue
        start = time.monotonic()
        try:
            bench.fresh()
            function(bench)
            assert not bench.complaints, bench.complaints
            print(f"ok: {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED: {name}\n{traceback.format_exc()}", flush=True)
    return failed


def chromium(playwright):
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"])
