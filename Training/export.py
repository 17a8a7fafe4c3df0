"""Write a training checkpoint as the server's model folder, and check it.

    export.py --run RUN/last.pt --tokenizer DIR --out ../Sources/EmbeddedModel/Model [--golden PATH/make_golden.py] [--reference FOLDER]
              [--blend DIR SHARE] [--bolder LOGIT] [--trust-photos LOGIT] [--cache CACHE]

Takes the averaged weights, drops the training-time heads, stores bfloat16.
--blend takes SHARE of the numbers from an older exported folder that the run
began from (made as deep as the run made them), and measures the batch norm's statistics anew on pictures of CACHE: what
the mean of two models makes is not the mean of what they make.  --bolder raises the last bias, so that unsure pixels are marked too
(`evaluate.py --levels` says what suits).  --trust-photos takes about LOGIT from a rejection's logit on photographs
(and a fifth of that on composed scenes): of a training photo the model knows by heart what is there, of
another it is less sure, and rejects too much.
--golden imports an independent implementation of the model and compares the
masks of the exported file with this package's module.  --reference writes
drawn pictures, phrases and the answers of the exported model as JSON, for
tests of other implementations.
"""
import argparse
import importlib.util
import json
import os
import shutil

import numpy as np
import torch
from PIL import Image
from pycocotools import mask as rle
from safetensors.torch import load_file, save_file

from model import MLLMSeg
from prompts import Prompter

TOKENIZER_FILES = ["vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"]


def load(folder):
    """An exported folder -> MLLMSeg in float32, ready to answer."""
    model = MLLMSeg(json.load(open(f"{folder}/config.json")))
    state = {k: v if v.dtype == torch.int64 else v.float() for k, v in load_file(f"{folder}/model.safetensors").items()}
    model.load_state_dict(state)
    return model.eval()


@torch.no_grad()
def photo_direction(model, prompter, source, each=200):
    """Which way the state before a marker points on photographs and not on composed scenes: v [t] such that h @ v is near 1
    there and near 0 here, by least squares on training pictures."""
    from evaluate import predict
    from train import LAST
    rng, states, is_photo, stage = np.random.default_rng(5), [], [], LAST
    heard = model.language_model.lm_head.register_forward_hook(lambda _, given, __: states.append(given[0]))
    size = model.config["force_image_size"]
    for n in range(2 * each):
        if n % 2:
            kind = ("human", "human", "coco_train", "machine", "coco_person")[n // 2 % 5]
            made = source.photo(rng, size, 5, which=kind, crop=(0.8, 1.0), absent=stage["absent"], pasted=0, turned=0)
        else:
            made = source.scene(rng, size, 5, objects=stage["objects"], scale=stage["scale"], absent=stage["absent"])
        if made["phrases"]:
            predict(model, prompter, made["pixels"], [p["phrase"] for p in made["phrases"]])
            is_photo += [float(n % 2)] * len(made["phrases"])
    heard.remove()
    h, y = torch.cat(states), torch.tensor(is_photo)
    return torch.linalg.solve(h.t() @ h + torch.eye(h.shape[1]), h.t() @ y)


def trust_photos(folder, source, logit):
    """Changes [REJ]'s row of an exported folder's language head."""
    prompter, state = Prompter(folder), load_file(f"{folder}/model.safetensors")
    row = state["language_model.lm_head.weight"][prompter.rej]
    row.copy_(row.float() - logit * photo_direction(load(folder), prompter, source))
    write_weights(state, folder)


def write_weights(state, folder):
    save_file({k: v.contiguous() for k, v in state.items()}, f"{folder}/model.safetensors", metadata={"format": "pt"})
    os.chmod(f"{folder}/model.safetensors", 0o644)


@torch.no_grad()
def measure_norm(folder, cache, batches=40):
    """The batch norm's mean and variance for an exported folder's weights, over pictures of training's last stage (Izmailov et al.,
    "Averaging weights leads to wider optima", 2018, section 3.2)."""
    from batches import ask, loader
    from train import LAST
    model = load(folder)
    norm = model.res_decoder.conv1[1]
    norm.reset_running_stats()
    norm.momentum = None                                    # the plain mean over all batches
    norm.train()
    feed = loader(cache, folder, LAST, 5, 1)
    for _ in range(batches):
        ask(model, next(feed))
    state = load_file(f"{folder}/model.safetensors")
    for name in ("running_mean", "running_var"):
        state[f"res_decoder.conv1.1.{name}"].copy_(getattr(norm, name))
    write_weights(state, folder)


def export(run, tokenizer, out, blend=None, bolder=0.0):
    saved = torch.load(run, map_location="cpu", weights_only=False)
    state = {k: v for k, v in saved["average"].items() if not k.startswith("heads.")}
    if blend:
        from train import as_deep
        old, share = as_deep(load_file(f"{blend[0]}/model.safetensors"), saved["config"]), float(blend[1])
        state = {k: v if v.dtype == torch.int64 else torch.lerp(v.float(), old[k].float(), share) for k, v in state.items()}
    state["res_decoder.conv2.bias"] = state["res_decoder.conv2.bias"] + bolder
    state = {k: v if v.dtype == torch.int64 else v.to(torch.bfloat16) for k, v in state.items()}
    os.makedirs(out, exist_ok=True)
    config = saved["config"]
    config["vision_config"]["image_size"] = config["force_image_size"] = saved["size"]
    json.dump(config, open(f"{out}/config.json", "w"), indent=2, ensure_ascii=False)
    write_weights(state, out)
    for name in TOKENIZER_FILES:
        shutil.copy(f"{tokenizer}/{name}", f"{out}/{name}")
    total = sum(v.numel() for v in state.values())
    print("exported step", saved["step"], "with", total, "numbers,", round(os.path.getsize(f"{out}/model.safetensors") / 1e6, 1), "MB")


def drawings():
    """Three pictures made of plain shapes, and phrases for them."""
    def canvas(h, w, colour):
        return np.full((h, w, 3), colour, np.uint8), *np.mgrid[0:h, 0:w]
    a, y, x = canvas(240, 320, (200, 215, 225))
    a[(x - 80) ** 2 + (y - 120) ** 2 < 55 ** 2] = (210, 30, 30)
    a[(abs(x - 240) < 50) & (abs(y - 120) < 50)] = (30, 60, 200)
    b, y, x = canvas(200, 150, (60, 130, 60))
    b[(abs(x - 75) < y - 40) & (y < 110)] = (240, 210, 40)
    b[(x - 75) ** 2 + (y - 155) ** 2 < 30 ** 2] = (250, 250, 250)
    c, y, x = canvas(168, 168, (235, 235, 235))
    c[:] = (c * (0.6 + 0.4 * x[..., None] / 168)).astype(np.uint8)
    c[((x - 60) / 40) ** 2 + ((y - 60) / 25) ** 2 < 1] = (240, 140, 20)
    c[((x - 120) / 20) ** 2 + ((y - 120) / 35) ** 2 < 1] = (110, 60, 20)
    return [(a, ["the ball", "the blue box on the right", "a zebra"]), (b, ["the ball", "the yellow tent", "the red car"]), (c, ["the orange", "the brown object", "all the dogs"])]


def write_reference(model, prompter, out):
    from evaluate import predict
    os.makedirs(out, exist_ok=True)
    cases = []
    for n, (rgb, phrases) in enumerate(drawings()):
        Image.fromarray(rgb).save(f"{out}/drawing{n}.png")
        for phrase in phrases:
            probs, rejected = predict(model, prompter, rgb, [phrase])
            mask = probs[0] >= 0.5
            counts = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
            near = int((np.abs(probs[0] - 0.5) < 0.01).sum())
            cases.append(dict(picture=f"drawing{n}.png", phrase=phrase, rejected=bool(rejected[0]), area=int(mask.sum()), near_threshold=near,
                              mean_probability=round(float(probs[0].mean()), 6), rle=dict(size=list(mask.shape), counts=counts["counts"].decode()),
                              prompt_tokens=len(prompter.prefix((model.config["force_image_size"] // 28) ** 2)[0]) + len(prompter.block(phrase))))
    json.dump(dict(note="masks at the picture's own size, probability >= 0.5; near_threshold pixels may differ", cases=cases), open(f"{out}/reference.json", "w"), indent=1)


def check(folder, prompter, golden):
    """Masks of the exported file by the independent functions against ours."""
    spec = importlib.util.spec_from_file_location("make_golden", golden)
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    config = json.load(open(f"{folder}/config.json"))
    sd = {k: v if v.dtype == torch.int64 else v.float() for k, v in load_file(f"{folder}/model.safetensors").items()}
    special = {t: prompter.tok.token_to_id(t) for t in ("<img>", "</img>", "<IMG_CONTEXT>", "[SEG]", "[REJ]")}
    model, size = load(folder), config["force_image_size"]
    from batches import normalise
    from prompts import attention_mask
    worst, same = 0.0, 0
    with torch.no_grad():
        for rgb, phrases in drawings():
            small, pixels = other.preprocess(rgb, size)
            packed = prompter.pack([phrases], (size // 28) ** 2)
            t = {k: torch.from_numpy(v) for k, v in packed.items() if k != "start"}
            ours = model(normalise(torch.from_numpy(small)[None]), t["ids"], t["positions"], attention_mask(t["blocks"]), packed["start"], t["ends"], t["owner"], torch.arange(len(phrases)))
            feat, tokens = other.vision(sd, config, pixels, {})
            for k, phrase in enumerate(phrases):
                parts = other.prompt_parts([phrase], [False], (size // 28) ** 2)
                ids = sum((prompter.tok.encode(p, add_special_tokens=False).ids for p in parts), [])
                rec = {}
                fact, *_ = other.run_case(sd, config, ids, special, feat, tokens, rec, "c", [], False)
                worst = max(worst, float((rec["c.dec0.prob"] - ours["logits"][k].sigmoid()).abs().max()))
                same += fact["argmax_before_marker"][0] == int(ours["marker"][k].argmax())
    print(f"parity: largest difference of probabilities {worst:.2e}; {same} of 9 marker decisions equal")
    assert worst < 1e-3 and same == 9


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "tokenizer", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--blend", nargs=2, metavar=("DIR", "SHARE"))
    ap.add_argument("--bolder", type=float, default=0.0, metavar="LOGIT")
    ap.add_argument("--trust-photos", type=float, metavar="LOGIT")
    ap.add_argument("--cache", help="for --blend and --trust-photos")
    ap.add_argument("--golden")
    ap.add_argument("--reference")
    a = ap.parse_args()
    if (a.blend or a.trust_photos) and not a.cache:
        ap.error("--blend and --trust-photos need --cache")
    export(a.run, a.tokenizer, a.out, a.blend, a.bolder)
    if a.blend:
        measure_norm(a.out, a.cache)
    if a.trust_photos:
        from scenes import Source
        trust_photos(a.out, Source(a.cache), a.trust_photos)
    prompter = Prompter(a.out)
    if a.golden:
        check(a.out, prompter, a.golden)
    if a.reference:
        write_reference(load(a.out), prompter, a.reference)


if __name__ == "__main__":
    main()
