"""Batches of pictures with their packed phrases, made in worker processes."""
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from prompts import Prompter, attention_mask, clean
from scenes import PATCH, Source

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def normalise(pixels):
    """uint8 [B, S, S, 3] -> float [B, 3, S, S]"""
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return (x - MEAN.to(x.device)) / STD.to(x.device)


class Batches(IterableDataset):
    """Endless batches of one stage: dict(size, pictures, phrases, photos (share), of these tiled and with
    false colours (shares), objects, scale, crop, absent)."""
    def __init__(self, cache, tokenizer, stage, seed):
        self.cache, self.tokenizer, self.stage, self.seed = cache, tokenizer, stage, seed

    def __iter__(self):
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        source, prompter, st = Source(self.cache, teacher=True), Prompter(self.tokenizer), self.stage
        while True:
            items = []
            while len(items) < st["pictures"]:
                absent = st.get("absent", 0.22)
                if rng.random() >= st["photos"]:
                    item = source.scene(rng, st["size"], st["phrases"], objects=st["objects"], scale=st["scale"], absent=absent)
                elif rng.random() < st.get("tiled", 0):
                    item = source.tiles(rng, st["size"], st["phrases"], absent=absent, false=st.get("false", 0))
                else:
                    item = source.photo(rng, st["size"], st["phrases"], crop=st["crop"], absent=absent, false=st.get("false", 0))
                if item["phrases"] or not st["phrases"]:
                    items.append(item)
            yield collate(items, prompter, st["size"], rng)


def collate(items, prompter, size, rng=None):
    out = dict(pixels=torch.from_numpy(np.stack([it["pixels"] for it in items])),
               labels=torch.from_numpy(np.stack([it["labels"] for it in items]).reshape(len(items), -1).astype(np.int64)),
               boxes=torch.from_numpy(np.stack([it["boxes"] for it in items]).reshape(len(items), -1, 4)))
    if "teach" in items[0]:
        out["teach"] = torch.from_numpy(np.stack([it["teach"] for it in items]).reshape(len(items), (size // PATCH) ** 2, -1))
    if not any(it["phrases"] for it in items):
        return out
    n = (size // PATCH) ** 2 // 4
    packed = prompter.pack([[p["phrase"] for p in it["phrases"]] for it in items], n, rng)
    present = np.array([p["kind"] != "absent" for it in items for p in it["phrases"]])
    masks = np.concatenate([it["masks"] for it in items])
    g = size // PATCH
    cover = masks.reshape(-1, g, PATCH, g, PATCH).mean((2, 4), dtype=np.float32)
    said = [sorted({t for t in prompter.ids(" " + clean(p["phrase"]))} - set(prompter.ids(" the a an"))) or [0] for it in items for p in it["phrases"]]
    words = np.full((len(said), max(map(len, said))), -1, np.int64)
    for k, s in enumerate(said):
        words[k, :len(s)] = s
    there, xs, ys = masks[present], masks[present].any(1), masks[present].any(2)
    extent = np.stack([xs.argmax(1), ys.argmax(1), size - xs[:, ::-1].argmax(1), size - ys[:, ::-1].argmax(1)], 1).astype(np.float32) / size
    out.update(words=torch.from_numpy(words), extent=torch.from_numpy(extent))
    out.update({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in packed.items() if k != "start"}, start=packed["start"],
               present=torch.from_numpy(present), masks=torch.from_numpy(there.view(np.uint8)), cover=torch.from_numpy(cover.reshape(-1, g * g)))
    return out


def ask(model, batch):
    """What the model answers to a batch with phrases, and which phrases' masks: those present."""
    wanted = batch["present"].nonzero()[:, 0]
    return model(normalise(batch["pixels"]), batch["ids"], batch["positions"], attention_mask(batch["blocks"]), batch["start"], batch["ends"], batch["owner"], wanted), wanted


def loader(cache, tokenizer, stage, seed, workers):
    data = Batches(cache, tokenizer, stage, seed)
    return iter(DataLoader(data, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None))
