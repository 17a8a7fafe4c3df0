"""Drives a running Label Studio: its interface for programs, and its labelling page in headless Chromium."""

import contextlib
import json
import os
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

NAME, PASSWORD = "annotator@example.org", "only-for-this-run"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
START_SECONDS = 300


class LabelStudio:
    def __init__(self, url, process):
        self.url = url
        self.process = process

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, f"Label Studio ended with status {self.process.returncode}"
            try:
                return urllib.request.urlopen(self.url + "/health", timeout=5).close()
            except OSError:
                time.sleep(1)
        raise AssertionError(f"Label Studio is not up within {START_SECONDS} s")

    def get(self, path):
        return self._ask("GET", path)

    def post(self, path, body=None):
        return self._ask("POST", path, json.dumps({} if body is None else body).encode())

    def version(self):
        return self.get("/api/version")["release"]

    def project(self, configuration):
        return self.post("/api/projects", {"title": "apples", "label_config": configuration})["id"]

    def upload(self, project, name, data):
        head = f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
        self._ask("POST", f"/api/projects/{project}/import", head.encode() + data + b"\r\n--XX--\r\n", "multipart/form-data; boundary=XX")

    def add_local_files(self, project, folder):
        storage = self.post("/api/storages/localfiles", {"project": project, "path": str(folder), "use_blob_urls": True})
        self.post(f"/api/storages/localfiles/{storage['id']}/sync")

    def tasks(self, project):
        return sorted(task["id"] for task in self.get(f"/api/tasks?project={project}")["tasks"])

    def connect(self, project, url):
        return self.post("/api/ml", {"project": project, "url": url, "title": "mllmseg", "is_interactive": True})

    def predict_all(self, project):
        return self.post(f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", {
            "selectedItems": {"all": True, "excluded": []}, "filters": {"conjunction": "and", "items": []}, "ordering": []})

    @contextlib.contextmanager
    def labelling_page(self, project, task):
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
            page = browser.new_page(viewport={"width": 1400, "height": 950})
            page.set_default_timeout(60_000)
            page.goto(f"{self.url}/user/login")
            page.fill("input[name=email]", NAME)
            page.fill("input[name=password]", PASSWORD)
            page.press("input[name=password]", "Enter")
            page.wait_for_url(lambda url: "login" not in url)
            page.goto(f"{self.url}/projects/{project}/data?task={task}")
            yield LabellingPage(page)
            browser.close()

    def _ask(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(self.url + path, body, {"Authorization": f"Token {TOKEN}", "Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]}") from error
        return json.loads(text) if text else None


class LabellingPage:
    def __init__(self, page):
        self.page = page

    def ask(self, phrase):
        """Types a phrase as an annotator does; what Label Studio's server made of our answer."""
        self.page.get_by_test_id("bottombar-auto-annotation-toggle").check(force=True)
        self.page.locator("textarea").first.fill(phrase)
        with self.page.expect_response("**/interactive-annotating") as answer:
            self.page.get_by_role("button", name="Add").click()
        return answer.value.json()

    def accept_and_submit(self):
        """Takes the mask that is suggested."""
        suggestions = self.page.get_by_text("1 suggestions")
        suggestions.locator("xpath=..").get_by_role("button").last.click()
        suggestions.wait_for(state="detached")
        with self.page.expect_response(lambda answer: answer.request.method == "POST" and "/annotations" in answer.url):
            self.page.get_by_role("button", name="Submit").click()
