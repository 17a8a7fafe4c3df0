"""Drives the demo page in headless Chromium against the mock server: every control, failures, widths.

    Tests/Browser/run [--screenshots FOLDER] [--only PART_OF_A_NAME] [--server URL]

With --server only the cases that hold for any server run, against that one.
"""

import argparse
import io
import json
import re
import sys

from mock_server import INTERFACE, MockServer
from harness import DESKTOP, PHONE, Bench, case, chromium, run
from pictures import encoded, noise, scene, turned, upload
from PIL import Image
from playwright.sync_api import expect, sync_playwright


def choose(page, file=None):
    page.set_input_files("#file", file or upload())
    expect(page.locator("#viewer")).to_be_visible()


def ask(page, phrases):
    count = page.locator("#answer-list > li").count()
    page.fill("#phrases", phrases)
    page.click("#find")
    expect(page.locator("#answer-list > li")).to_have_count(count + len(phrases.split("\n")))


def answer(page, number):
    return page.locator("#answer-list > li").nth(number - 1)


def pixel(page, x, y):
    """Red, green, blue at the fraction x, y of the canvas."""
    return page.evaluate("""([x, y]) => {
        const canvas = document.getElementById("canvas");
        const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
        return [...canvas.getContext("2d").getImageData(...at, 1, 1).data.slice(0, 3)];
    }""", [x, y])


def inside(page, number):
    """The middle of an answer's first box, as fractions of the picture."""
    x, y, width, height = map(int, re.search(r"x (\d+), y (\d+), (\d+)×(\d+)", answer(page, number).inner_text()).groups())
    picture = re.search(r"(\d+)×(\d+) pixels", page.inner_text("#picture-facts"))
    return (x + width / 2) / int(picture[1]), (y + height / 2) / int(picture[2])


def downloaded(page, action):
    with page.expect_download() as event:
        action()
    with open(event.value.path(), "rb") as file:
        return event.value.suggested_filename, file.read()


# The ordinary way

@case
def opens_ready(bench):
    with bench.page() as page:
        expect(page.locator("#server-text")).to_have_text("Ready: mllmseg-mock")
        for hidden in ("#viewer", "#answers", "#times", "#recipe", "#history", "#samples", "#problem"):
            expect(page.locator(hidden)).to_be_hidden()
        bench.shot(page, "empty-desktop")


@case
def finds_several_phrases_each_in_its_colour(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball\nthe blue box")
        first, second = inside(page, 1), inside(page, 2)
        page.uncheck("#boxes")
        page.fill("#opacity", "100")
        assert pixel(page, *first) == [0xF5, 0x9F, 0x1E], pixel(page, *first)
        assert pixel(page, *second) == [0x4C, 0xB8, 0xF2], pixel(page, *second)
        expect(answer(page, 1)).to_contain_text("Found, score 93%")
        expect(page.locator("#announcer")).to_have_text("the red ball: Found, score 93%. the blue box: Found, score 93%.")
        assert "the red ball (orange)" in page.get_attribute("#canvas", "aria-label")
        expect(page.locator("#phrases")).to_have_value("")
        assert bench.server.requests[0]["expressions"] == ["the red ball", "the blue box"]


@case
def says_a_rejection_in_words(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "a unicorn")
        expect(answer(page, 1)).to_contain_text("Not in this picture (98% sure)")
        expect(answer(page, 1).get_by_role("button")).to_have_count(1)
        expect(page.locator("#announcer")).to_have_text("a unicorn: Not in this picture (98% sure).")
        expect(page.locator("#problem")).to_be_hidden()
        expect(page.locator("#always-marks")).to_be_hidden()
    bench.server.can_reject = False
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        expect(page.locator("#always-marks")).to_be_visible()


@case
def an_empty_mask_is_not_called_found(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "a ghost")
        expect(answer(page, 1)).to_contain_text("Nothing marked: no pixel is sure enough")
        expect(answer(page, 1)).to_contain_text("The mask threshold was 0.5; a lower one under Options takes in more")
        expect(answer(page, 1)).not_to_contain_text("Found")
        expect(answer(page, 1).get_by_role("button")).to_have_count(1)


@case
def second_phrase_does_not_upload(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        expect(page.locator("#times-story")).to_contain_text("now knows this picture")
        ask(page, "the blue box")
        assert [request["image"] for request in bench.server.requests] == [True, False]
        expect(page.locator("#times-story")).to_contain_text("was fast")
        expect(page.locator("#times-story")).to_contain_text("nothing was uploaded")
        expect(page.locator("#times-story")).to_contain_text("210 ms the first time")
        expect(page.locator("#times-body")).to_contain_text("Reading the phrase")


@case
def uploads_again_when_the_server_forgot(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        bench.server.images.clear()
        ask(page, "the blue box")
        expect(page.locator("#notice")).to_contain_text("had forgotten the picture")
        assert [request["image"] for request in bench.server.requests] == [True, False, True]
        expect(page.locator("#problem")).to_be_hidden()


@case
def several_parts_of_one_phrase(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "two apples")
        expect(answer(page, 1)).to_contain_text("Found, 2 parts")
        expect(answer(page, 1).locator(".measure")).to_have_count(2)


@case
def views_opacity_and_boxes_change_the_canvas(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        at = inside(page, 1)
        page.uncheck("#boxes")
        page.fill("#opacity", "0")
        expect(page.locator("#opacity-value")).to_have_text("0%")
        plain = pixel(page, *at)
        page.fill("#opacity", "60")
        assert pixel(page, *at) != plain
        page.get_by_label("Mask only").check()
        assert pixel(page, *at) == [0xF5, 0x9F, 0x1E]
        outside = (0.99, 0.01) if at[0] < 0.5 else (0.01, 0.01)
        assert pixel(page, *outside) == [0x10, 0x16, 0x16]
        bench.shot(page, "mask-only")
        page.get_by_label("Cut-out", exact=True).check()
        assert max(abs(a - b) for a, b in zip(pixel(page, *at), plain)) <= 2
        assert pixel(page, *outside) in ([0xFF] * 3, [0xD9, 0xDF, 0xDE])
        bench.shot(page, "cut-out")
        page.get_by_label("Overlay").check()
        page.check("#boxes")


@case
def hides_shows_and_removes(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        page.uncheck("#boxes")
        at = inside(page, 1)
        page.mouse.move(5, 5)
        shown = pixel(page, *at)
        expect(answer(page, 1).locator(".answer-phrase")).to_have_css("text-decoration-line", "none")
        page.get_by_label("Hide the red ball").click()
        expect(answer(page, 1).locator(".answer-phrase")).to_have_css("text-decoration-line", "line-through")
        assert pixel(page, *at) != shown
        expect(page.get_by_label("Show the red ball")).to_be_focused()
        page.keyboard.press("Enter")
        assert pixel(page, *at) == shown
        page.get_by_label("Remove the red ball from the list").click()
        expect(page.locator("#answers")).to_be_hidden()
        expect(page.locator("#phrases")).to_be_focused()


@case
def saves_mask_cutout_and_view(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        name, data = downloaded(page, page.get_by_label("Mask PNG: download the mask of the red ball").click)
        image = Image.open(io.BytesIO(data))
        assert (name, image.size) == ("scene-the-red-ball-mask.png", (640, 480)), (name, image.size)
        name, data = downloaded(page, page.get_by_label("Cut-out PNG: download the red ball cut out").click)
        image = Image.open(io.BytesIO(data))
        assert (name, image.mode, image.size) == ("scene-the-red-ball-cutout.png", "RGBA", (640, 480))
        at = inside(page, 1)
        assert image.getpixel((int(at[0] * 640), int(at[1] * 480)))[3] == 255
        assert image.getchannel("A").getextrema() == (0, 255)
        name, data = downloaded(page, page.get_by_label("COCO RLE: download the run lengths of the red ball").click)
        assert (name, json.loads(data)) == ("scene-the-red-ball-coco.json", {"size": [480, 640], "counts": "mock"}), (name, data)
        name, data = downloaded(page, page.get_by_text("Save view").click)
        assert (name, Image.open(io.BytesIO(data)).size) == ("scene-overlay.png", (640, 480)), name


@case
def copies_rle_and_curl(bench):
    with bench.page(permissions=["clipboard-read", "clipboard-write"]) as page:
        choose(page, upload("it's a picture.jpg"))
        ask(page, "the left dog's ear")
        page.get_by_label("Copy RLE: copy the run lengths of the left dog's ear").click()
        expect(page.locator("#announcer")).to_have_text("COCO run lengths copied")
        assert json.loads(page.evaluate("navigator.clipboard.readText()")) == {"size": [480, 640], "counts": "mock"}
        page.click("#copy-curl")
        expect(page.locator("#copy-curl")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == (
            f"curl '{bench.server.url}segment' \\\n"
            "  -F 'image=@it'\\''s a picture.jpg' \\\n"
            "  --form-string 'expression=the left dog'\\''s ear' \\\n"
            "  -F format=png,coco_rle")
        expect(page.locator("#copy-curl")).to_have_text("Copy")


@case
def threshold_and_key_are_sent(bench):
    with bench.page() as page:
        choose(page)
        page.click("text=Options")
        page.fill("#threshold", "0.3")
        page.fill("#key", "secret")
        ask(page, "the red ball")
        request = bench.server.requests[0]
        assert (request["threshold"], request["key"]) == ("0.3", "Bearer secret"), request
        expect(page.locator("#curl")).to_contain_text("threshold=0.3")
        expect(page.locator("#curl")).to_contain_text("$API_KEY")
        assert "secret" not in page.inner_text("#curl")


@case
def keyboard_alone(bench):
    with bench.page() as page:
        # Listened for from the start: Playwright does not wait until the browser hands choosers over.
        page.on("filechooser", lambda chooser: None)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#choose")).to_be_focused()
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Enter")
        chooser.value.set_files(upload())
        expect(page.locator("#phrases")).to_be_focused()
        page.keyboard.type("the red ball")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("the blue box")
        page.keyboard.press("Enter")
        expect(page.locator("#answer-list > li")).to_have_count(2)
        expect(page.locator("#phrases")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")  # "Another picture"
        expect(page.locator("#choose")).to_be_focused()


@case
def asks_for_what_is_missing(bench):
    with bench.page() as page:
        page.fill("#phrases", "the red ball")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_have_text("Choose a picture first.")
        expect(page.locator("#choose")).to_be_focused()
        choose(page)
        expect(page.locator("#phrases")).to_have_value("the red ball")
        page.fill("#phrases", "  \n ")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("Type a phrase first")
        assert not bench.server.requests


# Ways a picture comes in

@case
def drops_a_picture(bench):
    with bench.page() as page:
        transfer = page.evaluate_handle("""(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
            return transfer;
        }""", list(encoded(scene(200, 100), "PNG")))
        page.dispatch_event("#drop", "dragenter", {"dataTransfer": transfer})
        expect(page.locator("body")).to_have_class("dragging")
        page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
        expect(page.locator("#picture-facts")).to_contain_text("dropped.png, 200×100 pixels")
        expect(page.locator("body")).not_to_have_class("dragging")
        page.dispatch_event("body", "drop", {"dataTransfer": page.evaluate_handle("new DataTransfer()")})
        expect(page.locator("#notice")).to_contain_text("Only picture files")


@case
def pastes_a_picture(bench):
    with bench.page() as page:
        page.evaluate("""(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
        }""", list(encoded(scene(120, 90), "PNG")))
        expect(page.locator("#picture-facts")).to_contain_text("120×90 pixels")


@case
def takes_a_picture(bench):
    with bench.page() as page:
        page.click("#take")
        expect(page.locator("#camera")).to_be_visible()
        page.wait_for_function("document.getElementById('camera-video').videoWidth > 0")
        bench.shot(page, "camera")
        page.click("#camera-shoot")
        expect(page.locator("#picture-facts")).to_contain_text("camera.jpg")
        page.click("#another")
        page.click("#take")
        expect(page.locator("#camera")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#camera")).to_be_hidden()
        expect(page.locator("#drop")).to_be_visible()


@case
def a_refused_camera_is_told(bench):
    with bench.page() as page:
        page.evaluate("""() => {
            navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
        }""")
        page.click("#take")
        expect(page.locator("#problem-title")).to_have_text("The camera can't be used")
        page.click("#dismiss")
        expect(page.locator("#problem")).to_be_hidden()


@case
def shows_a_turned_photograph_upright(bench):
    data, size = turned()
    with bench.page() as page:
        choose(page, upload("turned.jpg", data))
        expect(page.locator("#picture-facts")).to_contain_text(f"{size[0]}×{size[1]} pixels")
        ask(page, "the red ball")


@case
def converts_what_the_server_cannot_read(bench):
    with bench.page() as page:
        choose(page, upload("old.bmp", encoded(scene(100, 80), "BMP"), "image/bmp"))
        expect(page.locator("#notice")).to_contain_text("not BMP: the picture was converted to PNG")
        expect(page.locator("#picture-facts")).to_contain_text("old.png")
        ask(page, "the red ball")
        assert next(iter(bench.server.images.values())).startswith(b"\x89PNG")


@case
def makes_smaller_only_above_the_limit(bench):
    bench.server.limits = {"body_bytes": 200_000, "pixels": 100_000}
    with bench.page() as page:
        expect(page.locator("#server-text")).to_have_text("Ready: mllmseg-mock")
        choose(page, upload("small.jpg", encoded(scene(300, 200))))
        expect(page.locator("#notice")).to_be_hidden()
        choose(page, upload("large.png", encoded(noise(600, 400), "PNG"), "image/png"))
        expect(page.locator("#notice")).to_contain_text("600×400 became 387×258")
        ask(page, "the red ball")
        assert list(map(len, bench.server.images.values()))[0] <= 200_000


@case
def makes_smaller_when_the_server_refuses(bench):
    bench.server.failures = ["image-too-large"]
    with bench.page() as page:
        choose(page, upload("large.jpg", encoded(scene(800, 600))))
        ask(page, "the red ball")
        expect(page.locator("#notice")).to_contain_text("made smaller here")
        expect(page.locator("#picture-facts")).to_contain_text("565×424 pixels")


@case
def a_file_that_is_no_picture(bench):
    with bench.page() as page:
        page.set_input_files("#file", upload("notes.jpg", b"no picture at all"))
        expect(page.locator("#problem-title")).to_have_text("This file can't be shown as a picture")
        expect(page.locator("#retry")).to_be_hidden()
        expect(page.locator("#drop")).to_be_visible()


# Waiting and failures

@case
def a_slow_server_shows_progress_and_can_be_cancelled(bench):
    bench.server.delay = 3
    with bench.page() as page:
        choose(page)
        page.fill("#phrases", "the red ball")
        page.keyboard.press("Enter")
        expect(page.locator("#progress-text")).to_contain_text("Waiting for the answer")
        expect(page.locator("#find")).to_have_text("Finding…")
        bench.shot(page, "waiting")
        page.click("#cancel")
        expect(page.locator("#progress")).to_be_hidden()
        expect(page.locator("#announcer")).to_have_text("Cancelled.")
        expect(page.locator("#phrases")).to_have_value("the red ball")
        expect(page.locator("#problem")).to_be_hidden()


@case
def an_upload_shows_how_much_is_sent(bench):
    with bench.page() as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.emulateNetworkConditions",
                     {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000})
        choose(page, upload("noise.png", encoded(noise(600, 500), "PNG"), "image/png"))
        page.fill("#phrases", "the red ball")
        page.keyboard.press("Enter")
        expect(page.locator("#progress-text")).to_have_text(re.compile(r"Sending the picture: [1-9]\d*%"))
        expect(page.locator("#answer-list > li")).to_have_count(1)


@case
def a_busy_server_is_asked_again(bench):
    bench.server.failures = ["queue-full"]
    with bench.page() as page:
        choose(page)
        page.fill("#phrases", "the red ball")
        page.keyboard.press("Enter")
        expect(page.locator("#progress-text")).to_have_text("The server is busy; asking again in 2 s")
        expect(page.locator("#answer-list > li")).to_have_count(1)
        expect(page.locator("#problem")).to_be_hidden()


FAILURES = {
    "queue-full": ("The server is busy", 3), "loading": ("The server is not ready yet", 3),
    "internal": ("The server had a problem of its own", 1), "unauthorized": ("This server asks for an API key", 1),
    "image-too-large": ("The picture is too large for this server", 4),
    "unsupported-image": ("The server can't read this kind of picture", 1),
    "expression-too-long": ("The server can't work with this", 1), "deadline-exceeded": ("It took too long", 1),
    "garbage": ("The answer was not understood", 1), "drop": ("The server can't be reached", 20),
}


@case
def every_failure_is_told_in_plain_words(bench):
    for name, (title, times) in FAILURES.items():
        bench.server.failures = [name] * times
        with bench.page() as page:
            choose(page)
            page.fill("#phrases", "the red ball")
            page.keyboard.press("Enter")
            expect(page.locator("#problem-title")).to_have_text(title)
            assert page.inner_text("#problem-advice")
            expect(page.locator("#phrases")).to_have_value("the red ball")
            if name == "unauthorized":
                expect(page.locator("#key")).to_be_focused()
            if name == "internal":
                bench.shot(page, "problem")
                expect(page.locator("#problem-detail")).to_have_text("The server said 500: the model failed. Request mock-1.")
            bench.server.failures = []
            if page.locator("#retry").is_visible():
                page.click("#retry")
                expect(page.locator("#answer-list > li")).to_have_count(1)
                expect(page.locator("#problem")).to_be_hidden()


@case
def a_server_that_goes_and_comes_back(bench):
    with bench.page() as page:
        choose(page)
        ask(page, "the red ball")
        port = bench.server.server_port
        bench.server.stop()
        page.fill("#phrases", "the blue box")
        page.keyboard.press("Enter")
        expect(page.locator("#problem-title")).to_have_text("The server can't be reached")
        expect(page.locator("#server")).to_have_attribute("data-state", "gone")
        bench.shot(page, "server-gone")
        bench.server = MockServer(port).start()
        expect(page.locator("#server")).to_have_attribute("data-state", "ready")
        page.click("#retry")
        expect(page.locator("#answer-list > li")).to_have_count(2)


@case
def a_server_that_is_still_starting(bench):
    bench.server.ready = False
    with bench.page() as page:
        expect(page.locator("#server-text")).to_have_text("The server is starting…")
        bench.server.ready = True
        expect(page.locator("#server-text")).to_have_text("Ready: mllmseg-mock")


@case
def a_phrase_is_text_and_never_markup(bench):
    with bench.page() as page:
        choose(page, upload("<b>bold.jpg"))
        ask(page, "<img src=x onerror=alert(1)>")
        expect(answer(page, 1)).to_contain_text("<img src=x onerror=alert(1)>")
        assert page.locator("#answer-list img, #history-list b").count() == 0


# The visit

@case
def history_goes_back(bench):
    with bench.page() as page:
        choose(page, upload("first.jpg"))
        ask(page, "the red ball")
        page.click("#another")
        expect(page.locator("#drop")).to_be_visible()
        choose(page, upload("second.jpg", encoded(scene(500, 300))))
        ask(page, "the blue box\na unicorn")
        expect(page.locator("#history-list > li")).to_have_count(2)
        page.get_by_role("button", name=re.compile("first.jpg")).click()
        expect(page.locator("#answer-list > li")).to_have_count(1)
        expect(page.locator("#picture-facts")).to_contain_text("first.jpg")
        at = inside(page, 1)
        page.get_by_label("Mask only").check()
        page.uncheck("#boxes")
        assert pixel(page, *at) == [0xF5, 0x9F, 0x1E]
        ask(page, "the green hill")
        assert bench.server.requests[-1]["image"] is False


@case
def samples_show_when_listed(bench):
    bench.server.samples = [{"file": "sample.png", "title": "A sign", "phrases": ["the orange shape"], "credit": "ours"}]
    with bench.page() as page:
        expect(page.locator("#samples")).to_be_visible()
        page.get_by_role("button", name=re.compile("A sign")).click()
        expect(page.locator("#viewer")).to_be_visible()
        page.get_by_role("button", name="the orange shape").click()
        expect(page.locator("#answer-list > li")).to_have_count(1)
        # Once a picture is there the others don't stand between it and the phrase.
        order = "['viewer', 'panel', 'samples'].map(id => document.getElementById(id).getBoundingClientRect().top)"
        page.set_viewport_size(PHONE)
        tops = page.evaluate(order)
        assert tops == sorted(tops), tops
        page.click("#another")
        expect(page.locator(".stage #samples")).to_be_visible()


@case
def an_answer_is_brought_into_view(bench):
    with bench.page(viewport=PHONE) as page:
        choose(page)
        ask(page, "the red ball\nthe blue box\ntwo green hills\na unicorn")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator("#canvas")).not_to_be_in_viewport()
        page.evaluate("document.getElementById('phrases').value = 'the hill'; document.getElementById('ask').requestSubmit()")
        expect(page.locator("#answer-list > li")).to_have_count(5)
        expect(page.locator("#canvas")).to_be_in_viewport()


@case
def works_under_a_path(bench):
    with bench.page("some/path/") as page:
        expect(page.locator("#server-text")).to_have_text("Ready: mllmseg-mock")
        choose(page)
        ask(page, "the red ball")
        expect(page.locator("#curl")).to_contain_text("/some/path/segment")


@case
def fits_every_width(bench):
    sizes = {"phone-small": {"width": 320, "height": 640}, "phone": PHONE, "tablet": {"width": 820, "height": 1100},
             "desktop": DESKTOP, "wide": {"width": 1900, "height": 1000}}
    for scheme in ("light", "dark"):
        for name, viewport in sizes.items():
            with bench.page(viewport=viewport, color_scheme=scheme) as page:
                bench.shot(page, f"start-{name}-{scheme}")
                choose(page)
                ask(page, "the red ball on the left of the picture\na unicorn\ntwo blue boxes")
                for selector in ("#find", "#canvas", "#answers", "#recipe"):
                    box = page.locator(selector).bounding_box()
                    assert box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"], (name, selector, box)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
                bench.shot(page, f"answers-{name}-{scheme}")


def violations(page):
    """What axe-core finds; nothing, with a line, where it is not here."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        print("skipped: axe (pip install axe-playwright-python)")
        return []
    # Off by default, because it errs on icons: a name has to begin with what can be read on the button.
    options = {"rules": {"label-content-name-mismatch": {"enabled": True}}}
    found = Axe().run(page, options=options).response["violations"]
    return [(item["id"], [node["html"] for node in item["nodes"]]) for item in found]


@case
def axe_finds_nothing(bench):
    for scheme in ("light", "dark"):
        with bench.page(color_scheme=scheme) as page:
            found = violations(page)
            choose(page)
            ask(page, "the red ball\na unicorn")
            page.click("text=Options")
            bench.server.failures = ["internal"]
            page.fill("#phrases", "more")
            page.keyboard.press("Enter")
            expect(page.locator("#problem")).to_be_visible()
            found += violations(page)
            assert not found, found


# The reference

@case
def the_reference_tells_every_operation(bench):
    api = json.loads(INTERFACE.read_text())
    operations = [(method.upper(), path) for path, item in api["paths"].items() for method in item if method != "parameters"]
    with bench.page("some/path/", permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_role("link", name="The HTTP interface").click()
        titles = page.locator("article h3")
        expect(titles).to_have_count(len(operations) + len(api["components"]["schemas"]))
        shown = titles.all_inner_texts()
        for method, path in operations:
            assert f"{method}\n{path}" in shown or f"{method}{path}" in shown, (method, path, shown)
        expect(page.locator("#state")).to_have_count(0)
        segment = page.locator("#post-segment")
        expect(segment).to_contain_text("integer, 1 to 3600000")
        expect(segment).to_contain_text("The deadline passed")
        expect(segment).to_contain_text("Needed: image or image_id; expression or expressions.")
        segment.get_by_label("Copy: Masks of two phrases").click()
        expect(page.locator("#announcer")).to_have_text("Copied")
        assert f"{bench.server.url}some/path/segment" in page.evaluate("navigator.clipboard.readText()")
        page.locator("#contents").get_by_role("link", name="Answer", exact=True).click()
        assert page.url.endswith("#schema-Answer")
        expect(page.locator("#schema-Answer")).to_be_in_viewport()
        # Every link inside the page has an end.
        assert not page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))")
        page.reload()
        expect(page.locator("#schema-Answer")).to_be_in_viewport()
        page.get_by_role("link", name="Try it").click()
        expect(page.locator("#server-text")).to_have_text("Ready: mllmseg-mock")


@case
def the_reference_sends_with_the_key(bench):
    bench.server.key = "secret of alice"
    with bench.page("some/path/docs/") as page:
        models = page.locator("#get-v2-models")
        models.get_by_label("Send: GET /v2/models").click()
        expect(models).to_contain_text("401 Unauthorized, application/problem+json")
        expect(models).to_contain_text("enter it at the top of this page")
        segment = page.locator("#post-segment")
        expect(segment.locator("pre").first).not_to_contain_text("Authorization")
        page.get_by_label("API key", exact=True).fill("secret of alice")
        expect(segment.locator("pre").first).to_contain_text('curl -H "Authorization: Bearer $API_KEY" -F image=@street.jpg')
        assert "alice" not in page.locator("body").inner_text()
        models.get_by_label("Send: GET /v2/models").click()
        expect(models.get_by_label("Answer of GET /v2/models")).to_contain_text("mllmseg-mock")
        segment.get_by_text("Example: Two phrases").click()
        segment.get_by_label("Send: Two phrases").click()
        expect(segment.get_by_label("Answer of Two phrases")).to_contain_text('"expression": "the red square"')
        assert bench.server.requests[-1]["key"] == "Bearer secret of alice"
        bench.shot(page, "reference-sent")
        found = violations(page)
        assert not found, found
        bench.server.stop()
        models.get_by_label("Send: GET /v2/models").click()
        expect(models).to_contain_text("The server can't be reached")
        bench.server = MockServer().start()


@case
def the_reference_folds_its_contents_on_a_phone(bench):
    with bench.page("docs/", viewport=PHONE) as page:
        expect(page.locator("#post-segment")).to_be_visible()
        expect(page.locator("#contents")).to_be_hidden()
        page.locator("summary", has_text="Contents").click()
        page.locator("#contents").get_by_role("link", name="GET /livez").click()
        expect(page.locator("#get-livez")).to_be_in_viewport()
        page.set_viewport_size(DESKTOP)
        expect(page.locator("#contents")).to_be_visible()
        expect(page.locator("summary", has_text="Contents")).to_be_hidden()


@case
def the_reference_without_a_server_says_so(bench):
    bench.server.ready = False
    with bench.page("docs/") as page:
        expect(page.locator("#state")).to_contain_text("openapi.json could not be read: the server said 404")


@case
def the_reference_fits_and_axe_finds_nothing(bench):
    for scheme in ("light", "dark"):
        for name, viewport in {"phone-small": {"width": 320, "height": 640}, "desktop": DESKTOP}.items():
            with bench.page("docs/", viewport=viewport, color_scheme=scheme) as page:
                expect(page.locator("#post-segment")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
                found = violations(page)
                assert not found, found
                bench.shot(page, f"reference-{name}-{scheme}")


def real_server(bench, url):
    """The ordinary way against a real server: answers of any kind, then the same picture again."""
    bench.server = argparse.Namespace(url=url)
    for name, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        with bench.page(viewport=viewport) as page:
            expect(page.locator("#server")).to_have_attribute("data-state", "ready")
            data, _ = turned()
            for picture in (upload("turned.jpg", data), upload()):
                choose(page, picture)
                expect(page.locator("#picture-facts")).to_contain_text(picture["name"])
                ask(page, "the red ball\na zebra")
                ask(page, "the blue box")
                expect(page.locator("#times-story")).to_contain_text("was fast")
                expect(page.locator("#problem")).to_be_hidden()
            bench.shot(page, f"real-{name}")
    real_samples(bench)
    real_reference(bench)
    assert not bench.complaints, bench.complaints
    print("ok: real server")


def real_samples(bench):
    """Every sample with each of its phrases, as a newcomer clicks through them; then what can be saved."""
    with bench.page(viewport=PHONE) as page:
        page.click("#take")
        expect(page.locator("#camera")).to_be_visible()
        page.click("#camera-shoot")
        expect(page.locator("#picture-facts")).to_contain_text("camera.jpg")
        ask(page, "the green screen")
        page.reload()
        samples = page.locator("#sample-list button")
        expect(samples.first).to_be_visible()
        for number in range(samples.count()):
            samples.nth(number).click()
            expect(page.locator("#history-list > li")).to_have_count(number + 1)
            phrases = page.locator("#suggestions button")
            for phrase in range(phrases.count()):
                phrases.nth(phrase).click()
                expect(page.locator("#answer-list > li")).to_have_count(phrase + 1)
            expect(page.locator("#problem")).to_be_hidden()
            bench.shot(page, f"real-sample-{number + 1}")
        name, data = downloaded(page, page.get_by_role("button", name="Save view").click)
        size = tuple(map(int, re.search(r"(\d+)×(\d+) pixels", page.inner_text("#picture-facts")).groups()))
        assert Image.open(io.BytesIO(data)).size == size, name
        save = page.locator("#answer-list").get_by_role("button", name=re.compile("^COCO RLE: "))
        name, data = downloaded(page, save.first.click)
        assert json.loads(data)["size"] == [size[1], size[0]], name


def real_reference(bench):
    """Everything that the reference offers to send is answered with 200."""
    with bench.page("docs/") as page:
        expect(page.locator("#post-segment")).to_be_visible()
        page.evaluate("document.querySelectorAll('#reference details').forEach(fold => { fold.open = true; })")
        buttons = page.get_by_role("button", name=re.compile("^Send: "))
        assert buttons.count() >= 15, buttons.count()
        for number in range(buttons.count()):
            buttons.nth(number).click()
            answer = buttons.nth(number).locator("xpath=following-sibling::div")
            expect(answer).to_contain_text(re.compile(r"^20[01] "))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", metavar="FOLDER")
    parser.add_argument("--only", metavar="TEXT")
    parser.add_argument("--server", metavar="URL")
    options = parser.parse_args()
    expect.set_options(timeout=20_000)  # machines that build at the same time are slow
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        bench = Bench(browser, options.screenshots)
        if options.server:
            real_server(bench, options.server.rstrip("/") + "/")
            return 0
        failed = run(bench, options.only)
        browser.close()
    print(f"{failed} failed" if failed else "demo page: all cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
