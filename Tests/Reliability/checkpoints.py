"""Checkpoints with one thing broken each, made from the small golden one."""

import json
import shutil
import struct
import subprocess
import time
from pathlib import Path

from harness import ROOT

BASE = ROOT / "Tests/MLLMSegTests/Golden/qwen2_merged"
SHARD = "model-00001-of-00003.safetensors"
INDEX = "model.safetensors.index.json"


def copy_to(folder):
    for path in BASE.iterdir():
        shutil.copy(path, folder)


def start(program, folder):
    """-> (exit status, standard error, seconds)"""
    began = time.monotonic()
    process = subprocess.Popen([program, "serve", "--port", "0", "--log-level", "error", "--model", str(folder)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, message = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        return None, "still running", 5.0
    return process.returncode, message.strip(), time.monotonic() - began


def read(folder, name=SHARD):
    data = (folder / name).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + length]), data[8 + length:]


def write(folder, header, data, name=SHARD, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def edit(change):
    """A case that changes one tensor's entry: change(header, key, others, data) -> new data or None."""
    def case(folder):
        header, data = read(folder)
        keys = sorted((key for key in header if key != "__metadata__"), key=lambda key: header[key]["data_offsets"])
        changed = change(header, keys, data)
        write(folder, header, data if changed is None else changed)
    return case


def first_key():
    header, _ = read(BASE)
    return min((key for key in header if key != "__metadata__"), key=lambda key: header[key]["data_offsets"])


def text_edit(find, replacement):
    def case(folder):
        data = (folder / SHARD).read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        text = data[8:8 + length].replace(find, replacement, 1)
        write(folder, text, data[8 + length:])
    return case


def configuration(change):
    def case(folder):
        path = folder / "config.json"
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))
    return case


def raw(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def set_field(index, field, value):
    def change(header, keys, data):
        header[keys[index]][field] = value(header[keys[index]][field]) if callable(value) else value
    return edit(change)


def drop(header, keys, data):
    key = keys[-1]
    start, end = header[key]["data_offsets"]
    del header[key]
    return data[:start] + data[end:]


def rename(header, keys, data):
    header["a.stranger"] = header.pop(keys[0])


def add(header, keys, data):
    header["a.stranger"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(data), len(data) + 4]}
    return data + b"\0\0\0\0"


def transpose(header, keys, data):
    key = next(key for key in keys if len(header[key]["shape"]) == 2 and len(set(header[key]["shape"])) == 2)
    header[key]["shape"].reverse()


def integers(header, keys, data):
    entry = header[keys[-1]]
    start, end = entry["data_offsets"]
    entry.update(dtype="I32", data_offsets=[start, start + 2 * (end - start)])
    return data + b"\0" * (end - start)


def duplicate(folder):
    header, data = read(folder)
    key = json.dumps(first_key())
    entry = json.dumps(header[first_key()])
    text = json.dumps(header)
    write(folder, (text[:-1] + f", {key}: {entry}}}").encode(), data)


def cases():
    """(name, what to do to the folder, words that the message must hold)"""
    key = first_key()
    whole = (BASE / SHARD).read_bytes()
    yield "header length 2^64 - 1", raw(SHARD, b"\xff" * 8 + whole[8:]), [SHARD, "header length"]
    yield "header length beyond the file", raw(SHARD, struct.pack("<Q", len(whole)) + whole[8:]), [SHARD, "beyond"]
    yield "header length 0", raw(SHARD, b"\0" * 8 + whole[8:]), [SHARD]
    yield "seven bytes", raw(SHARD, b"\1\0\0\0\0\0\0"), [SHARD]
    yield "an empty file", raw(SHARD, b""), [SHARD, "empty"]
    yield "a header that is no JSON", text_edit(b"{", b"["), [SHARD]
    yield "a header with text behind it", lambda folder: write(
        folder, json.dumps(read(folder)[0]).encode() + b" x", read(folder)[1]), [SHARD, "after the closing brace"]
    yield "a duplicate key", duplicate, [SHARD, key, "duplicate"]
    yield "an unknown dtype", set_field(0, "dtype", "F13"), [SHARD, key, "F13"]
    yield "a dtype of another size", set_field(0, "dtype", "I64"), [SHARD, key, "bytes"]
    yield "a shape that overflows", set_field(0, "shape", [2**62, 2**62]), [SHARD, key, "overflows"]
    yield "a negative dimension", set_field(0, "shape", [-1]), [SHARD, "negative"]
    yield "a shape larger than its bytes", set_field(0, "shape", lambda shape: shape + [2]), [SHARD, key, "bytes"]
    yield "offsets backwards", set_field(0, "data_offsets", lambda at: at[::-1]), [SHARD, key]
    yield "overlapping tensors", set_field(1, "data_offsets", lambda at: [at[0] - 4, at[1] - 4]), [SHARD, "overlap"]
    yield "a hole between tensors", edit(lambda header, keys, data: header[keys[-1]]["data_offsets"].__setitem__(
        slice(0, 2), [at + 4 for at in header[keys[-1]]["data_offsets"]]) or data + b"\0" * 4), [SHARD, "belong to no tensor"]
    yield "bytes after the last tensor", edit(lambda header, keys, data: data + b"\0" * 5), [SHARD, "after the last tensor"]
    yield "data cut short", raw(SHARD, whole[:-100]), [SHARD, "truncated"]
    yield "a tensor that is missing", edit(drop), ["missing", "expected shape"]
    yield "a tensor that nothing uses", edit(add), ["a.stranger", "unused"]
    yield "a tensor under another name", edit(rename), [key, "missing"]
    yield "a transposed tensor", edit(transpose), ["expected shape", "found"]
    yield "integers for weights", edit(integers), [SHARD, "expected", "I32"]
    yield "a pickle", raw(SHARD, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20j\xa8P\x19."), [SHARD, "pickle"]
    yield "a zip of pickles", raw(SHARD, b"PK\3\4" + b"\xff" * 40), [SHARD, "pickle"]
    yield "a shard that is missing", lambda folder: (folder / SHARD).unlink(), [SHARD]
    yield "a shard outside the folder", lambda folder: (folder / INDEX).write_text(
        json.dumps({"weight_map": {"a": "../x.safetensors"}})), [INDEX, "../x.safetensors"]
    yield "an index that is no object", raw(INDEX, b"[]"), [INDEX]
    yield "no config.json", lambda folder: (folder / "config.json").unlink(), ["config.json"]
    yield "a config.json that is no JSON", raw("config.json", b"{"), ["config.json"]
    yield "another architecture", configuration(
        lambda value: value["llm_config"].update(architectures=["LlamaForCausalLM"])), ["LlamaForCausalLM"]
    yield "another width", configuration(
        lambda value: value["llm_config"].update(intermediate_size=value["llm_config"]["intermediate_size"] * 2)), [
            "expected shape", "found"]
    yield "no tokenizer", lambda folder: [(folder / name).unlink() for name in ("vocab.json", "merges.txt")], ["tokenizer"]
