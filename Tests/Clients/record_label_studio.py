#!/usr/bin/env python3
"""Has a real Label Studio ask the built server, checks what comes of it, and can record the conversation.

    python3 -m venv /tmp/label-studio
    /tmp/label-studio/bin/pip install label-studio playwright pycocotools
    /tmp/label-studio/bin/python Tests/Clients/record_label_studio.py [--write]

Label Studio runs on this machine with SQLite in a folder that is removed at the end; its own labelling page is
driven in headless Chromium. --write puts the requests and answers into label_studio_conversation.json, which
LabelStudioConversationTests replay; what names a machine or a person is replaced. Takes some minutes.
"""

import argparse
import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import label_studio_driver as driver
import numpy as np
from label_studio_recorder import Recorder
from label_studio_sdk.converter.brush import decode_rle
from pycocotools import mask as coco

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".build/release/mllmseg"
PICTURE = ROOT / "Public/samples/apples.png"
CONVERSATION = Path(__file__).with_name("label_studio_conversation.json")

sys.path.insert(0, str(ROOT / "Tests/ReadmeTests"))
from server import free_port, running  # noqa: E402

HOST = "http://label-studio.example"
GONE = "/data/upload/1/gone.png"
CONFIGURATION = """<View>
  <Image name="image" value="$image" zoom="true"/>
  <TextArea name="prompt" toName="image" editable="true" rows="2" showSubmitButton="true"/>
  <BrushLabels name="tag" toName="image" smart="true">
    <Label value="green apple" background="#2e8b57"/>
    <Label value="red apple" background="#b22222"/>
  </BrushLabels>
</View>"""


@contextlib.contextmanager
def label_studio(folder):
    """A Label Studio of its own, below `folder`; its settings let it talk to this machine and read local files."""
    port = free_port()
    environment = {
        **os.environ, "LABEL_STUDIO_BASE_DATA_DIR": str(folder), "COLLECT_ANALYTICS": "False", "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "False", "USE_DEFAULT_BANNED_SUBNETS": "false",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true", "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(folder),
    }
    command = [Path(sys.executable).with_name("label-studio"), "start", "--no-browser", "--enable-legacy-api-token",
               "--internal-host", "127.0.0.1", "--port", str(port), "--username", driver.NAME, "--password",
               driver.PASSWORD, "--user-token", driver.TOKEN]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield driver.LabelStudio(f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait()


def expected(url, phrase):
    """The masks that the native interface gives for the picture."""
    body = {"image": base64.b64encode(PICTURE.read_bytes()).decode(), "expressions": [phrase], "format": "coco_rle"}
    request = urllib.request.Request(f"{url}/segment", json.dumps(body).encode(), {"Content-Type": "application/json"})
    [result] = json.load(urllib.request.urlopen(request))["results"]
    return [coco.decode(mask["coco_rle"]) for mask in result["masks"]]


def check(url, regions, phrases):
    """Label Studio's own decoder reads the regions as the masks of `phrases`."""
    masks = [mask for phrase in phrases for mask in expected(url, phrase)]
    assert len(regions) == len(masks), (len(regions), phrases)
    for region, mask in zip(regions, masks):
        shape = region["original_height"], region["original_width"], 4
        assert (decode_rle(region["value"]["rle"]).reshape(shape) == mask[..., None] * np.uint8(255)).all()


def converse(studio, url, backend, folder):
    """Everything that people do with a backend, as far as it reaches us."""
    project = studio.project(CONFIGURATION)
    studio.upload(project, "two apples.png", PICTURE.read_bytes())
    studio.add_local_files(project, folder / "pictures")
    tasks = studio.tasks(project)
    connected = studio.connect(project, f"{backend}/label-studio")
    assert connected["readable_state"] == "Connected" and connected["model_version"] == "mllmseg-embedded", connected
    number = connected["id"]
    assert studio.get(f"/api/ml/{number}/versions") == {"versions": ["mllmseg-embedded"]}
    studio.post(f"/api/ml/{number}/predict/test?random=true")
    studio.post(f"/api/projects/{project}/import", [{"image": GONE}])
    [gone] = set(studio.tasks(project)) - set(tasks)
    studio.predict_all(project)
    assert not studio.get(f"/api/predictions?task={gone}"), "a picture that can't be read has a prediction"
    assert len(tasks) == 2, tasks
    for task in tasks:
        [prediction] = studio.get(f"/api/predictions?task={task}")
        check(url, prediction["result"], ["green apple", "red apple"])
    with studio.labelling_page(project, tasks[0]) as page:
        check(url, page.ask("the green apple")["data"]["result"], ["the green apple"])
        check(url, page.ask("the red apple")["data"]["result"], ["the red apple"])
        page.accept_and_submit()
    with studio.labelling_page(project, tasks[1]) as page:
        assert page.ask("a zebra")["data"] == {"model_version": "mllmseg-embedded", "score": 0, "result": []}
    regions = studio.get(f"/api/tasks/{tasks[0]}")["annotations"][0]["result"]
    check(url, [region for region in regions if region["type"] == "brushlabels"][-1:], ["the red apple"])
    studio.post(f"/api/ml/{number}/train")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {CONVERSATION.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        shutil.copy(PICTURE, folder / "pictures/the same apples.png")
        with running(PROGRAM, "--label-studio-files", folder) as url, Recorder(url) as recorder, label_studio(folder) as studio:
            studio.wait()
            converse(studio, url, recorder.url, folder)
            exchanges = recorder.trimmed({
                studio.url: HOST, studio.url.replace("127.0.0.1", "localhost"): HOST, driver.TOKEN: "TOKEN", str(folder): "/folder"})
            record = {"label_studio": studio.version(), "exchanges": exchanges}
    print(f"ok: Label Studio {record['label_studio']} asked {len(exchanges)} times")
    if options.write:
        CONVERSATION.write_text(json.dumps(record, ensure_ascii=False).replace('{"method"', '\n{"method"') + "\n")


if __name__ == "__main__":
    main()
