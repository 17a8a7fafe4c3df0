"""Runs every example of a running server's openapi.json against that server.

    python3 Tests/ReadmeTests/openapi_examples.py http://127.0.0.1:8080

Request examples are sent, shell samples are run, both have to succeed. Where the package jsonschema is there, every
answer and every example is also held to its schema.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

try:
    from jsonschema import Draft202012Validator
except ImportError:
    Draft202012Validator = None

ADDRESS = "http://127.0.0.1:8080"  # what the samples name
PICTURE = Path(__file__).resolve().parents[1] / "ImagesTests/Fixtures/420.jpg"


class Document:
    def __init__(self, url):
        self.url = url
        with urllib.request.urlopen(f"{url}/openapi.json") as answer:
            self.api = json.load(answer)

    def operations(self):
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield path, method, operation, item.get("parameters", []) + operation.get("parameters", [])

    def resolved(self, node):
        if "$ref" not in node:
            return node
        for step in node["$ref"].removeprefix("#/").split("/"):
            node = node[step] if step in node else self.api[step]
        return node

    def hold(self, value, schema, what):
        if Draft202012Validator is None:
            return
        whole = {**schema, "components": self.api["components"]}
        errors = [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(value)]
        assert not errors, f"{what}: {errors}"


def filled(path, parameters):
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["schema"]["enum"][0])
    return path


def send_examples(document):
    count = 0
    for path, method, operation, parameters in document.operations():
        target = document.url + filled(path, parameters)
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            for name, example in media.get("examples", {}).items():
                document.hold(example["value"], media["schema"], f"{path} {name}")
                request = urllib.request.Request(target, json.dumps(example["value"]).encode(), {"Content-Type": kind}, method=method.upper())
                with urllib.request.urlopen(request) as answer:
                    value = json.load(answer)
                    told = document.resolved(operation["responses"][str(answer.status)])
                document.hold(value, told["content"]["application/json"]["schema"], f"{path} {name}: the answer")
                count += 1
        for status, response in operation["responses"].items():
            for media in document.resolved(response).get("content", {}).values():
                for name, example in media.get("examples", {}).items():
                    document.hold(example["value"], media["schema"], f"{path} {status} {name}")
                    count += 1
    return count


def run_samples(document):
    if not shutil.which("curl"):
        return 0
    samples = [sample["source"] for _, _, operation, _ in document.operations() for sample in operation.get("x-codeSamples", [])]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(PICTURE, Path(folder) / "street.jpg")
        for source in samples:
            assert ADDRESS in source, source
            command = source.replace("curl ", "curl -sS --fail-with-body ", 1).replace(ADDRESS, document.url)
            done = subprocess.run(["bash", "-euc", command], cwd=folder, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{source}\n{done.stdout}{done.stderr}"
            made = Path(folder) / "mask.png"
            assert done.stdout or made.read_bytes().startswith(b"\x89PNG"), source
    return len(samples)


def check(url):
    document = Document(url.rstrip("/"))
    examples, samples = send_examples(document), run_samples(document)
    assert examples >= 8, f"only {examples} examples were found"
    held = "held to their schemas" if Draft202012Validator else "not held to schemas: no jsonschema here"
    print(f"ok: openapi.json: {examples} examples ({held}), {samples} shell samples")


if __name__ == "__main__":
    check(sys.argv[1] if len(sys.argv) > 1 else ADDRESS)
