"""Train the small model from scratch until a wall-clock deadline.

    train.py --cache CACHE --tokenizer DIR --out RUN --minutes 80 | --steps 20000 [--resume] [--device cpu|cuda]

The learning rate and the stages (picture size, mix of data) are functions of
the elapsed share of the time, so the run ends on time whatever else the machine
does; with --steps, of the share of the steps.  RUN gets log.jsonl, curve.png and last.pt (every few minutes; --resume
goes on from it, time already spent included).
"""
import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn.functional as F

import fast
from batches import ask, loader, normalise
from evaluate import quick
from model import MLLMSeg, make_config
from optimizer import Muon
from prompts import Prompter
from scenes import Source

# Small pictures first: a 112-pixel picture costs a quarter and shows fewer, larger things.
# The first stage has no phrases: the vision encoder learns what lies under each patch, at a third of the cost.
FROM_NOTHING = [
    dict(until=0.33, size=112, pictures=24, phrases=0, photos=0.30, objects=(1, 4), scale=(0.35, 0.75), crop=(0.40, 1.00)),
    dict(until=0.60, size=112, pictures=8, phrases=5, photos=0.20, objects=(2, 3), scale=(0.35, 0.75), crop=(0.40, 0.90)),
    dict(until=1.01, size=112, pictures=10, phrases=5, photos=0.45, objects=(1, 4), scale=(0.30, 0.65), crop=(0.45, 1.00)),
]
# The pictures that the exported model sees, for weights that have seen them before.  Mosaics and false colours end halfway, as mosaics
# do in Ge et al., "YOLOX" (2021): what is asked in the end are photos as they are.
LAST = dict(until=1.01, size=280, pictures=10, phrases=7, photos=0.56, objects=(1, 6), scale=(0.18, 0.58), crop=(0.45, 1.00), absent=0.26)
LARGEST = [dict(LAST, until=0.50, tiled=0.35, false=0.25), LAST]
# Larger pictures, for weights that read already.
LARGER = [
    dict(until=0.38, size=168, pictures=10, phrases=5, photos=0.50, objects=(1, 5), scale=(0.20, 0.60), crop=(0.45, 1.00), absent=0.26),
    *LARGEST,
]
# What ablation.py compares mask decoders on: mostly composed scenes, as its test is.
SCENES = [
    dict(until=1.01, size=112, pictures=10, phrases=5, photos=0.20, objects=(1, 5), scale=(0.20, 0.60), crop=(0.45, 1.00)),
]
STAGES = dict(nothing=FROM_NOTHING, larger=LARGER, largest=LARGEST, scenes=SCENES)


def class_words(source, prompter):
    """Token ids of every class name: [C, L] padded with 0, and the mask."""
    rows = [prompter.ids(" " + n) for n in source.classes]
    width = max(map(len, rows))
    ids = torch.tensor([list(r) + [0] * (width - len(r)) for r in rows])
    return ids, torch.tensor([[1.0] * len(r) + [0.0] * (width - len(r)) for r in rows])


def dense_losses(model, t1, tokens, batch, words):
    """What lies under each patch (class, how far it reaches, what teachers see) and, for image tokens, which word embedding it is like."""
    heads, labels = model.heads, batch["labels"]
    weight = torch.ones(heads["patch"].out_features, device=t1.device)
    weight[0] = 0.2
    guess = heads["patch"](t1)
    patch = F.cross_entropy(guess.flatten(0, 1).float(), labels.flatten(), weight, ignore_index=-1)
    on = labels > 0
    # Products first, then the choice: each new number of rows would have the library make a kernel of its own.
    reach = reach_loss(heads["reach"](t1), batch["boxes"], on)
    b, n = labels.shape
    g = int(n ** 0.5)
    four = labels.view(b, g // 2, 2, g // 2, 2).permute(0, 1, 3, 2, 4).reshape(b, n // 4, 4)
    top = four.amax(-1)
    sure = (top > 0) & ((four == top[..., None]).sum(-1) >= 2)
    ids, there = words
    names = (model.language_model.model.embed_tokens(ids) * there[..., None]).sum(1)
    alike = F.normalize(tokens.float(), dim=-1) @ F.normalize(names.float(), dim=-1).t()
    token = F.cross_entropy(10 * alike[sure], top[sure])
    parts = dict(patch=patch, reach=reach, token=token)
    if "teach" in batch:                                   # what the classifier saw and, where things.py was run, the segmenter
        told, width = batch["teach"].float(), heads["teach"].out_features
        for name, seen in (("teach", told[..., :width]), ("things", told[..., width:])):
            if not seen.shape[-1]:
                continue
            known = seen.abs().sum(-1) > 0
            parts[name] = (1 - F.cosine_similarity(heads[name](t1).float(), seen, dim=-1))[known].sum() / known.sum().clamp(min=1)
    acc = (guess.detach()[on].argmax(-1) == labels[on]).float().mean()
    return parts, dict(patch_acc=acc)


def reach_loss(guess, boxes, on):
    """How far the thing under each patch reaches: guess [B, N, 4], logarithms of the shares of the picture from the patch's centre to the left,
    top, right and bottom of the thing's box; boxes [B, N, 4] from 0 to 1; on bool [B, N].  Minus the logarithm of the boxes' IoU (Yu et al.,
    "UnitBox", 2016), patches of large things, which are many, counting less."""
    g = int(boxes.shape[1] ** 0.5)
    at = (torch.arange(g, device=boxes.device) + 0.5) / g
    centre = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).view(g * g, 2)
    true = torch.cat([centre - boxes[..., :2], boxes[..., 2:] - centre], -1).clamp(min=0.25 / g)[on]
    said = guess[on].float().clamp(-6, 1).exp()
    area = lambda v: (v[:, 0] + v[:, 2]) * (v[:, 1] + v[:, 3])
    inter = area(torch.minimum(said, true))
    share = (area(true) * g * g).clamp(min=1) ** -0.5
    return -(share * (inter / (area(said) + area(true) - inter)).log()).sum() / share.sum().clamp(min=1e-6)


def mask_losses(logits, target):
    """[K, S, S] each -> binary cross-entropy and Dice."""
    prob = logits.sigmoid()
    inter, total = (prob * target).sum((1, 2)), prob.sum((1, 2)) + target.sum((1, 2))
    return F.binary_cross_entropy_with_logits(logits, target), (1 - (2 * inter + 1) / (total + 1)).mean()


def losses(model, batch, words, prompter, plain=False):
    """The mask and marker losses and, unless `plain`, the dense helpers that make so short a training possible."""
    if "ids" not in batch:
        return dense_losses(model, *model.see(normalise(batch["pixels"])), batch, words)
    out, wanted = ask(model, batch)
    logits, target = out["logits"].float(), batch["masks"].float()
    bce, dice = mask_losses(logits, target)
    marker = F.cross_entropy(out["marker"].float(), torch.where(batch["present"], prompter.seg, prompter.rej))
    parts, shown = dict(bce=bce, dice=dice, marker=marker), {}
    if not plain:
        shown = helper_losses(model, out, batch, words, wanted, parts)
    with torch.no_grad():
        hard, m = logits > 0, target > 0.5
        said = out["marker"].argmax(-1)
        shown.update(iou=((hard & m).sum((1, 2)) / (hard | m).sum((1, 2)).clamp(min=1)).mean(), n_acc=(said == prompter.rej)[~batch["present"]].float().mean(),
                     t_acc=(said != prompter.rej)[batch["present"]].float().mean())
    return parts, shown


def helper_losses(model, out, batch, words, wanted, parts):
    """Adds to `parts` what the training-time heads should tell."""
    more, shown = dense_losses(model, out["t1"], out["tokens"], batch, words)
    parts.update(more, spread=reach_loss(model.heads["spread"](out["base"]), batch["boxes"], batch["labels"] > 0))
    coarse = torch.einsum("qc,qnc->qn", model.heads["where"](out["seg"]), model.heads["there"](out["t1"])[batch["owner"]]).float() / 8 - 2
    parts.update(coarse=F.binary_cross_entropy_with_logits(coarse, batch["cover"]))
    cell = model.heads["cell"](out["cells"])[..., 0].float()
    parts["cell"] = F.binary_cross_entropy_with_logits(cell, batch["cover"][wanted])
    spoken = F.log_softmax(model.heads["words"](out["seg"]).float(), -1).gather(1, batch["words"].clamp(min=0))
    real = (batch["words"] >= 0).float()
    parts.update(words=-((spoken * real).sum(1) / real.sum(1)).mean(),
                 target=F.l1_loss(model.heads["target"](out["seg"][wanted]).float().sigmoid(), batch["extent"]))
    return shown


WEIGHTS = dict(bce=1.0, dice=1.5, marker=1.0, patch=0.4, reach=0.7, spread=0.7, token=0.3, coarse=2.0, words=0.2, target=2.0, cell=2.0, teach=1.0, things=2.0)


def calculate_alone():
    """For each thread: a share of a batch has one.  Moments of words that never come fade into denormal numbers, which cost a
    processor a hundred times as much."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def work(model, batch, words, prompter, scale, device, plain=False, half=False):
    """Gradients of one share of a batch.  Each share has a thread of its own, which meets the others once a step:
    on busy cores that waits far less than threads inside every operation do."""
    batch = {k: v.to(device) if torch.is_tensor(v) else v for k, v in batch.items()}
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=half):
        parts, shown = losses(model, batch, words, prompter, plain)
    grads = torch.autograd.grad(sum(scale[k] * v for k, v in parts.items() if v.requires_grad), [p for p in model.parameters() if p.requires_grad], allow_unused=True)
    return grads, {**{k: v.detach() for k, v in parts.items()}, **shown}


class Average:
    """Exponential moving average of weights and buffers."""
    def __init__(self, model, decay=0.998):
        self.decay, self.state, self.steps = decay, {k: v.clone() for k, v in model.state_dict().items()}, 0

    @torch.no_grad()
    def update(self, model):
        self.steps += 1
        d = min(self.decay, self.steps / (self.steps + 10))
        now = model.state_dict()
        floats = [k for k, v in now.items() if v.is_floating_point() and v.shape == self.state[k].shape]
        torch._foreach_lerp_([self.state[k] for k in floats], [now[k] for k in floats], 1 - d)
        for k in now.keys() - set(floats):
            self.state[k] = now[k].clone()


def optimizers_of(model, lr, kind=torch.float32):
    """Muon for the matrices of the vision encoder, the projector and the language model (at twice the rate: from nothing it
    learned as well at 2e-3 as at 1e-3, which AdamW did not), AdamW for the rest.

    Matrices decay; the mask decoder, which starts to learn last, takes larger steps.  But not where its self-attention compares
    cells: the vision features come there without a norm, and a few such steps make it choose one cell for good.
    """
    matrices, others = {}, {}
    for n, p in model.named_parameters():
        if p.dim() == 2 and n.startswith(("vision_model.encoder.", "mlp1.", "language_model.model.layers.")):
            matrices.setdefault((p.shape, 3 if n.endswith("qkv.weight") else 1), []).append(p)
        else:
            gain = 1.0 if not n.startswith("res_decoder") else 0.05 if "self_attn.in_proj" in n else 2.5
            others.setdefault((p.dim() >= 2 and "embed" not in n, gain), []).append(p)
    return [Muon([dict(params=g, weight_decay=0.05, gain=2.0, stacked=stacked) for (_, stacked), g in matrices.items()], lr=lr, kind=kind),
            torch.optim.AdamW([dict(params=g, weight_decay=0.05 * decays, gain=gain) for (decays, gain), g in others.items()], lr=lr, betas=(0.9, 0.98), fused=True)]


def set_rate(optimizers, lr):
    for group in (g for o in optimizers for g in o.param_groups):
        group["lr"] = lr * group["gain"]


CLOSING = "attn.proj", "mlp.fc2", "self_attn.o_proj", "mlp.down_proj"


def deepen(state, prefix, layers, share=0.1):
    """The weights with `layers` layers at `prefix`: some layers come twice, and what the second of such a pair adds is `share` of
    what it would, so that the whole still does what it did."""
    had = 1 + max(int(k[len(prefix):].split(".")[0]) for k in state if k.startswith(prefix))
    assert layers >= had, f"the weights have {had} layers at {prefix}, the model only {layers}"
    out = {k: v for k, v in state.items() if not k.startswith(prefix)}
    for i in range(layers):
        was = i * had // layers
        again = i > 0 and (i - 1) * had // layers == was
        for k, v in state.items():
            if k.startswith(f"{prefix}{was}."):
                name = k[len(f"{prefix}{was}."):]
                out[f"{prefix}{i}.{name}"] = v * share if again and name.startswith(CLOSING) else v
    return out


def as_deep(state, config):
    """The weights made as deep as a model of `config`."""
    state = deepen(state, "vision_model.encoder.layers.", config["vision_config"]["num_hidden_layers"])
    return deepen(state, "language_model.model.layers.", config["llm_config"]["num_hidden_layers"])


def begin_from(model, prompter, path, classes, fresh=()):
    """The weights of an exported folder, or of a run's last.pt with its training-time heads, made as deep as the model and
    resized to its pictures; what `fresh` names stays as it is."""
    if path.endswith(".pt"):
        saved = torch.load(path, map_location="cpu", weights_only=True)
        state, size = saved["average"], saved["size"]
        fresh += () if saved["classes"] == classes else ("heads.",)
    else:
        from export import load
        assert Prompter(path).tok.get_vocab() == prompter.tok.get_vocab(), "the exported weights belong to another vocabulary"
        old = load(path)
        state, size = old.state_dict(), old.config["force_image_size"]
        fresh += ("heads.",)
    state = as_deep(state, model.config)
    wanted = model.config["force_image_size"]
    model.resize(size)
    # Heads differ from version to version: those that both have go on.
    left = model.load_state_dict({k: v for k, v in state.items() if not k.startswith(fresh)}, strict=False)
    assert all(k.startswith("heads.") for k in left.unexpected_keys) and all(k.startswith((*fresh, "heads.")) for k in left.missing_keys), left
    model.resize(wanted)


def draw(out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    rows = [json.loads(line) for line in open(f"{out}/log.jsonl")]
    steps, evals = [r for r in rows if "iou" in r], [r for r in rows if "dev" in r]
    fig, ax = plt.subplots(1, 3, figsize=(15, 4))
    for k in ("bce", "dice", "marker", "patch", "token", "coarse", "things", "reach", "spread"):
        ax[0].plot([r["step"] for r in steps if k in r], [r[k] for r in steps if k in r], label=k)
    ax[0].set_ylim(0, 2)
    for k in ("iou", "n_acc", "t_acc", "patch_acc"):
        ax[1].plot([r["step"] for r in steps if k in r], [r[k] for r in steps if k in r], label=k)
    for where in ("dev", "composed"):
        for k in ("gIoU", "cIoU", "present"):
            ax[2].plot([r["step"] for r in evals], [r[where][k] for r in evals], marker=".", label=f"{where} {k}")
    for a in ax:
        a.legend(fontsize=7)
        a.set_xlabel("step")
    fig.tight_layout()
    fig.savefig(f"{out}/curve.png", dpi=80)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"), help="for the development photos")
    for name in ("cache", "tokenizer", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--stages", choices=STAGES, default="nothing")
    budget = ap.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float)
    budget.add_argument("--steps", type=int)
    ap.add_argument("--features", choices=("dsff", "visual", "language", "concat"), default="dsff", help="what the mask decoder sees (for ablation.py)")
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--warm", type=int, default=150, help="steps over which the rate rises; weights that are good already want more")
    ap.add_argument("--decay", type=float, default=0.25, help="share of the time over which the rate falls to nothing")
    ap.add_argument("--heads-first", type=int, default=0, metavar="N", help="with --init: for N steps only the fresh training-time heads learn")
    ap.add_argument("--fresh-decoder", action="store_true", help="with --init: all but the mask decoder, which begins anew")
    ap.add_argument("--freeze", nargs="*", default=[], metavar="PART", help="parts that don't learn, such as vision_model")
    ap.add_argument("--plain", action="store_true", help="the paper's losses only, no training-time heads")
    ap.add_argument("--bfloat16", action="store_true", help="products in bfloat16: faster where the processor has them")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--workers", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--save-minutes", type=float, default=5)
    ap.add_argument("--eval-minutes", type=float, default=10)
    ap.add_argument("--overfit", type=int, default=0, help="sanity check: this many steps on one batch")
    start = ap.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on from RUN/last.pt, clock included")
    start.add_argument("--init", metavar="PATH", help="begin with the weights of an exported folder, or of a last.pt with its training-time heads; the vocabulary must be the tokenizer's")
    a = ap.parse_args()
    if a.bfloat16 and a.device == "cpu":
        # As many kernels as there are lengths of phrases: with the 1,024 that are usual some are made in each step.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "20000")
        missing = fast.prepare()
        print(f"attention is PyTorch's: {missing}" if missing else "attention is that of fast.cpp", flush=True)
    sys.setswitchinterval(3e-4)                             # or a thread waits up to 5 ms for the interpreter before it asks for its turn
    torch.manual_seed(a.seed)
    calculate_alone()
    os.makedirs(a.out, exist_ok=True)
    prompter, source, stages = Prompter(a.tokenizer), Source(a.cache), STAGES[a.stages]
    added = {t: prompter.tok.token_to_id(t) for t in ("<|endoftext|>", "<|im_end|>")}
    model = MLLMSeg(make_config(prompter.tok.get_vocab_size(), added, stages[0]["size"]), classes=len(source.classes), features=a.features)
    print("parameters", sum(p.numel() for n, p in model.named_parameters() if not n.startswith("heads")), flush=True)
    step, spent = 0, 0.0
    if a.init:
        begin_from(model, prompter, a.init, source.classes, ("res_decoder.",) if a.fresh_decoder else ())
    if a.resume:
        saved = torch.load(f"{a.out}/last.pt", map_location="cpu", weights_only=False)
        model.resize(saved["size"])
        model.load_state_dict(saved["model"])
        step, spent = saved["step"], saved["spent"]
    model.to(a.device)
    kind = torch.bfloat16 if a.bfloat16 else torch.float32
    average, optimizers = Average(model), optimizers_of(model, a.lr, kind)
    if a.resume:
        average.state.update({k: v.to(a.device) for k, v in saved["average"].items()})
        average.steps = step
        for o, state in zip(optimizers, saved["optimizers"], strict=True):
            o.load_state_dict(state)
    words = [x.to(a.device) for x in class_words(source, prompter)]
    pool = ThreadPoolExecutor(a.threads, initializer=calculate_alone)
    log = open(f"{a.out}/log.jsonl", "a")
    began = time.time() - spent
    stage, feed, saved_at, eval_at, sums, count, last = None, None, time.time(), time.time(), {}, 0, time.time()
    first, cpu, frozen = step, time.process_time(), None

    def save():
        torch.save(dict(model=model.state_dict(), average=average.state, optimizers=[o.state_dict() for o in optimizers], step=step, spent=time.time() - began,
                        size=model.config["force_image_size"], config=model.config, classes=source.classes), f"{a.out}/saving.pt")
        os.replace(f"{a.out}/saving.pt", f"{a.out}/last.pt")

    while True:
        part = step / a.steps if a.steps else (time.time() - began) / (a.minutes * 60)
        if part >= 1 or a.overfit and step >= a.overfit:
            break
        now = next(s for s in stages if part < s["until"])
        if now is not stage:
            stage, feed = now, None
            if stage["size"] != model.config["force_image_size"]:
                model.resize(stage["size"])
                optimizers = optimizers_of(model.to(a.device), a.lr, kind)
                average.state["vision_model.embeddings.position_embedding"] = model.vision_model.embeddings.position_embedding.detach().clone()
                first, cpu = step, time.process_time()
            feed = loader(a.cache, a.tokenizer, dict(stage, pictures=stage["pictures"] // a.threads), a.seed * 1000 + step, a.workers)
            print("stage", stage, flush=True)
            fixed = [next(feed) for _ in range(a.threads)] if a.overfit else None
            if step == 0 and not a.init:
                model.whiten(torch.cat([normalise(next(feed)["pixels"]) for _ in range(4)]))
                average = Average(model)
        halves = fixed or [next(feed) for _ in range(a.threads)]
        since = step - max(first, a.heads_first) if step >= a.heads_first else step
        warm = min(1.0, (since + 1) / (a.warm if first == 0 and step >= a.heads_first else 80))
        lr = 2e-3 * warm if step < a.heads_first else a.lr * warm * min(1.0, max(0.02, (1 - part) / a.decay))    # constant, then straight down
        set_rate(optimizers, lr)
        model.train()
        scale = {k: v * (0.5 if part > 0.7 and k not in ("bce", "dice", "marker", "cell") else 1) for k, v in WEIGHTS.items()}
        if (step < a.heads_first) != frozen:                # fresh heads would pull at weights that are good already
            frozen = step < a.heads_first
            for n, p in model.named_parameters():
                p.requires_grad_(n.startswith("heads.") if frozen else not n.startswith(tuple(a.freeze)))
        results = list(pool.map(lambda half: work(model, half, words, prompter, scale, a.device, a.plain, a.bfloat16), halves))
        for p, *grads in zip([p for p in model.parameters() if p.requires_grad], *(g for g, _ in results)):
            grads = [g for g in grads if g is not None]
            p.grad = sum(grads) / len(results) if grads else None
        shown = {k: sum(float(s[k]) for _, s in results) / len(results) for k in results[0][1]}
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon, adam = optimizers
        list(pool.map(lambda part: part(), [adam.step, *muon.parts()]))
        average.update(model)
        step += 1
        for k, v in {**shown, "norm": norm}.items():
            v = float(v)
            sums[k] = sums.get(k, 0.0) + (v if v == v else 0.0)
        count += 1
        if step % 20 == 0:
            row = dict(step=step, minutes=round((time.time() - began) / 60, 2), size=stage["size"], lr=round(lr, 6), step_s=round((time.time() - last) / count, 3), cpu_s=round((time.process_time() - cpu) / count, 3),
                       **{k: round(v / count, 4) for k, v in sums.items()})
            sums, count, last, cpu = {}, 0, time.time(), time.process_time()
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(row, flush=True)
        if time.time() - saved_at > a.save_minutes * 60:
            save()
            saved_at = time.time()
        if time.time() - eval_at > a.eval_minutes * 60:
            row = dict(step=step, minutes=round((time.time() - began) / 60, 2), **quick(model, average.state, prompter, source, a.data))
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(row, flush=True)
            draw(a.out)
            eval_at = last = time.time()
            sums, count = {}, 0
    save()
    draw(a.out)
    print("done", step, flush=True)


if __name__ == "__main__":
    main()
