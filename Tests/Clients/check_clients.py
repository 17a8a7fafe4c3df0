"""Asks a running server with the real clients: tritonclient, kserve, label-studio-sdk's converter, pycocotools,
Prometheus' parser. Tests/Clients/run starts a server and runs this and more.

    pip install -r Tests/Clients/requirements.txt
    mllmseg serve & python3 Tests/Clients/check_clients.py http://127.0.0.1:8080
"""

import asyncio
import base64
import io
import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from label_studio_sdk.converter.brush import decode_rle
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from pycocotools import mask as coco

HEIGHT, WIDTH = 48, 64
PHRASES = ["the dog", "the left one", "猫", "a red square", "everything"]
CONFIGURATION = (
    '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image">'
    '<Label value="dog"/></BrushLabels></View>'
)


def picture():
    pixels = (np.arange(HEIGHT * WIDTH * 3) % 251).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def native(url, image):
    """The masks of each phrase, all forms of the answer saying the same."""
    answer = post(f"{url}/segment", {
        "image": base64.b64encode(image).decode(), "expressions": PHRASES, "format": "png,coco_rle,label_studio_rle",
    })
    masks = []
    for result in answer["results"]:
        found = []
        for mask in result["masks"]:
            runs = mask["coco_rle"]
            pixels = coco.decode(runs)
            assert pixels.shape == (HEIGHT, WIDTH)
            assert int(coco.area(runs)) == mask["area"] and list(coco.toBbox(runs)) == mask["bbox"]
            drawn = np.array(Image.open(io.BytesIO(base64.b64decode(mask["png"]))))
            assert (drawn == pixels).all()
            brush = decode_rle(mask["label_studio_rle"]).reshape(HEIGHT, WIDTH, 4)
            assert (brush == pixels[..., None] * 255).all()
            found.append(pixels)
        assert result["rejected"] == (not found)
        masks.append(found)
    return masks


def open_inference(url, image, expected):
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready()
    name = json.load(urllib.request.urlopen(f"{url}/v2/models"))["models"][0]
    assert client.is_model_ready(name)
    metadata = client.get_model_metadata(name)
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["image", "expression"]
    flat = [mask for masks in expected for mask in masks]
    owners = [index for index, masks in enumerate(expected) for _ in masks]
    for binary in (True, False):
        for compression in (None, "gzip", "deflate"):
            inputs = [triton.InferInput("image", [1], "BYTES"), triton.InferInput("expression", [len(PHRASES)], "BYTES")]
            data = image if binary else base64.b64encode(image)
            inputs[0].set_data_from_numpy(np.array([data], dtype=np.object_), binary_data=binary)
            inputs[1].set_data_from_numpy(np.array(PHRASES, dtype=np.object_), binary_data=binary)
            names = ["masks", "boxes", "scores", "rejected", "expression_index"]
            outputs = [triton.InferRequestedOutput(output, binary_data=binary) for output in names]
            result = client.infer(
                name, inputs, outputs=outputs, request_id="mine", request_compression_algorithm=compression)
            assert result.get_response()["id"] == "mine"
            assert (result.as_numpy("masks") == np.array(flat, np.uint8).reshape(-1, HEIGHT, WIDTH)).all()
            assert list(result.as_numpy("expression_index")) == owners
            assert list(result.as_numpy("rejected")) == [not masks for masks in expected]
            assert result.as_numpy("boxes").shape == (len(flat), 4)
            assert result.as_numpy("scores").shape == (len(flat),)
    # Without named outputs the client asks for all of them as binary data.
    result = client.infer(name, binary_inputs(image), model_version="1")
    assert (result.as_numpy("masks") == np.array(flat, np.uint8).reshape(-1, HEIGHT, WIDTH)).all()
    assert list(result.as_numpy("expression_index")) == owners
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    try:
        client.infer("no-such-model", inputs)
    except triton.InferenceServerException as error:
        assert error.status() == "404" and error.message()
    else:
        raise AssertionError("an unknown model was accepted")


def binary_inputs(image):
    inputs = [triton.InferInput("image", [1], "BYTES"), triton.InferInput("expression", [len(PHRASES)], "BYTES")]
    inputs[0].set_data_from_numpy(np.array([image], dtype=np.object_))
    inputs[1].set_data_from_numpy(np.array(PHRASES, dtype=np.object_))
    return inputs


async def open_inference_at_once(url, image, expected):
    """Triton's asynchronous client, several requests in flight."""
    async with triton_aio.InferenceServerClient(url.removeprefix("http://")) as client:
        [name] = json.load(urllib.request.urlopen(f"{url}/v2/models"))["models"]
        assert await client.is_model_ready(name)
        results = await asyncio.gather(*[client.infer(name, binary_inputs(image), request_id=str(number)) for number in range(8)])
        for number, result in enumerate(results):
            assert result.get_response()["id"] == str(number)
            assert list(result.as_numpy("rejected")) == [not masks for masks in expected]


async def kserve(url, image, expected):
    """The same by KServe's own client, tensors as JSON and as binary data in both directions."""
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    name = json.load(urllib.request.urlopen(f"{url}/v2/models"))["models"][0]
    assert await client.is_model_ready(url, name)
    flat = [mask for masks in expected for mask in masks]
    for binary in (True, False):
        picture = InferInput("image", [1], "BYTES")
        picture.set_data_from_numpy(np.array([image if binary else base64.b64encode(image)], dtype=np.object_), binary_data=binary)
        phrases = InferInput("expression", [len(PHRASES)], "BYTES")
        phrases.set_data_from_numpy(np.array([phrase.encode() for phrase in PHRASES], dtype=np.object_), binary_data=binary)
        names = ["masks", "boxes", "scores", "rejected", "expression_index"]
        request = InferRequest(
            name, [picture, phrases], request_id="mine", parameters={"threshold": 0.5},
            request_outputs=[RequestedOutput(output, parameters={"binary_data": binary}) for output in names])
        answer = await client.infer(url, request, model_name=name)
        assert answer.id == "mine" and answer.model_name == name, answer
        outputs = {output.name: output.as_numpy() for output in answer.outputs}
        assert list(outputs) == names
        assert (outputs["masks"] == np.array(flat, np.uint8).reshape(-1, HEIGHT, WIDTH)).all()
        assert list(outputs["rejected"]) == [not masks for masks in expected]
        assert outputs["boxes"].shape == (len(flat), 4) and outputs["scores"].shape == (len(flat),)
    await client.close()


def label_studio(url, image, expected):
    assert json.load(urllib.request.urlopen(f"{url}/label-studio/health"))["status"] == "UP"
    uri = "data:image/png;base64," + base64.b64encode(image).decode()
    for phrase, masks in zip(PHRASES, expected):
        answer = post(f"{url}/label-studio/predict", {
            "tasks": [{"id": 1, "data": {"image": uri}}], "label_config": CONFIGURATION,
            "params": {"context": {"result": [{"value": {"text": [phrase]}}]}},
        })
        regions = answer["results"][0]["result"]
        filled = [mask for mask in masks if mask.any()]
        assert len(regions) == len(filled)
        for region, mask in zip(regions, filled):
            brush = decode_rle(region["value"]["rle"]).reshape(region["original_height"], region["original_width"], 4)
            assert (brush[..., 3] == mask * 255).all()


def metrics(url):
    text = urllib.request.urlopen(f"{url}/metrics").read().decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"mllmseg_http_requests", "mllmseg_queue_depth", "mllmseg_expressions"} <= families


def main():
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    image = picture()
    expected = native(url, image)
    open_inference(url, image, expected)
    asyncio.run(open_inference_at_once(url, image, expected))
    asyncio.run(kserve(url, image, expected))
    label_studio(url, image, expected)
    metrics(url)
    found = sum(len(masks) for masks in expected)
    print(f"all clients agree: {len(PHRASES)} phrases, {found} masks")


if __name__ == "__main__":
    main()
