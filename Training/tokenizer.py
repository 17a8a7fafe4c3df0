"""Train the small byte-level BPE vocabulary and write it in the Qwen2 on-disk form.

    tokenizer.py --cache CACHE --out DIR [--vocab 3000] [--data ../shared/referring]

Writes vocab.json, merges.txt, added_tokens.json, special_tokens_map.json,
tokenizer_config.json (what the server reads) and tokenizer.json (what training
reads).  The corpus is the prompts, template phrases over the training cache,
names and keywords of the cut-outs and the training expressions.
"""
import argparse
import json
import os

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

import nouns
from phrases import COLOURS, PEOPLE
from prompts import ANSWERS, MAIN, QUESTIONS, SPLIT, SYSTEM, clean

QWEN = """<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> <|quad_start|> <|quad_end|>
<|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|>
<|fim_pad|> <|repo_name|> <|file_sep|>""".split()
OURS = "<img> </img> <IMG_CONTEXT> <quad> </quad> <ref> </ref> <box> </box> [SEG] [REJ]".split()
NOT_SPECIAL = set(QWEN[14:])
GENERAL = """one first second third fourth last other another both all every each two three four five many several single pair group
left right top bottom middle center centre corner edge side front back far near nearest closest furthest behind before between beside next above
below under over inside outside around across against along through with without on in at of by from to for and or not no only but that which who
his her their its he she it they them one's isn't aren't don't standing sitting lying walking running riding holding carrying wearing looking facing
eating drinking playing jumping flying swimming sleeping smiling talking waiting pointing reaching leaning hanging parked moving driving crossing
pulling pushing throwing catching hitting kicking swinging serving cutting cooking reading writing working sleeping
big bigger biggest small smaller smallest large larger largest little tiny tall taller tallest short shorter long longer thin thick wide narrow
old young new bright dark light plain striped checkered spotted shiny wooden metal plastic glass leather stone brick paper cloth fluffy furry
round square open closed empty full broken half whole clean dirty wet dry hot cold fresh
man woman boy girl person people child kid baby guy lady men women children player batter catcher pitcher umpire skier surfer skater rider driver
passenger worker officer police chef cook waiter customer crowd family couple friend student teacher bride groom
shirt jacket coat pants jeans dress skirt shorts hat cap helmet shoes boots gloves glasses sunglasses hair beard face hand arm leg head back bag backpack
sky cloud sun moon star sea water river lake beach sand snow ice mountain hill grass field tree forest flower leaf bush road street sidewalk track
bridge building house window door wall floor ceiling roof fence stairs room kitchen bathroom bedroom counter cabinet drawer shelf table desk sofa
lamp mirror curtain pillow blanket towel plate bowl cup glass bottle jar mug pot pan knife fork spoon tray box basket bucket can phone screen computer
car truck bus train van taxi bike wheel engine seat boat ship plane animal dog cat bird horse cow sheep object thing picture image photo""".split()


def corpus(cache, data):
    index = json.load(open(f"{cache}/index.json"))
    names = [n for o in index["sprites"] + index["objects"] for n in o["names"]]
    phrases = [clean(h["phrase"]) for h in index["human"] for _ in range(4)]
    counts = {}
    for n in names:
        counts[n] = counts.get(n, 0) + 1
    for n, c in counts.items():
        phrases += [n, "the " + n, nouns.plural(n)] * (2 + min(c, 60) // 6)
    phrases += [f"{p} {w}" for w in GENERAL for p in ("the", "a")] * 3 + [f"the {c} one" for c in COLOURS] * 20 + PEOPLE * 10
    phrases += ["the {} on the left", "left of the {}", "the {} at the top", "the {} to the right", "{} furthest to the left", "both {} and {}"] * 40
    for info in json.load(open(f"{data}/cutouts/fluent3d.json")).values():
        phrases += [info["name"].lower(), *[k.lower() for k in info["keywords"]]]
    texts = [SYSTEM, "system\n", "user\n", "assistant\n"] * 400
    texts += [t.replace("{x}", " {} ") for t in QUESTIONS + ANSWERS + list(MAIN)] * 60 + ["in this image? Please output segmentation masks."] * 200
    return texts + [" " + p for p in phrases] + ["Sure," + p + ":" for p in phrases]


def write(tk, out):
    m = json.loads(tk.to_str())["model"]
    ids = {t: len(m["vocab"]) + i for i, t in enumerate(QWEN + OURS)}
    os.makedirs(out, exist_ok=True)
    dump = lambda name, x: json.dump(x, open(f"{out}/{name}", "w"), indent=1, ensure_ascii=False)
    json.dump(m["vocab"], open(f"{out}/vocab.json", "w"), ensure_ascii=False)
    with open(f"{out}/merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join((x if isinstance(x, str) else " ".join(x)) + "\n" for x in m["merges"]))
    dump("added_tokens.json", ids)
    extra = ["<|im_start|>", "<|im_end|>"] + OURS
    entry = lambda t: dict(content=t, lstrip=False, normalized=False, rstrip=False, single_word=False, special=t not in NOT_SPECIAL)
    dump("tokenizer_config.json", dict(
        add_bos_token=False, add_prefix_space=False, added_tokens_decoder={str(i): entry(t) for t, i in ids.items()}, additional_special_tokens=extra,
        bos_token=None, clean_up_tokenization_spaces=False, eos_token="<|im_end|>", errors="replace", model_max_length=8192, pad_token="<|endoftext|>",
        split_special_tokens=False, tokenizer_class="Qwen2Tokenizer", unk_token=None))
    dump("special_tokens_map.json", dict(additional_special_tokens=extra, eos_token="<|im_end|>", pad_token="<|endoftext|>"))
    tk.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in QWEN + OURS])
    assert all(tk.token_to_id(t) == i for t, i in ids.items())
    tk.save(f"{out}/tokenizer.json")
    return ids


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--cache", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--vocab", type=int, default=3000)
    a = ap.parse_args()
    tk = Tokenizer(models.BPE())
    tk.normalizer = normalizers.NFC()
    tk.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tk.train_from_iterator(corpus(a.cache, a.data), trainers.BpeTrainer(vocab_size=a.vocab, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    ids = write(tk, a.out)
    count = lambda s: len(tk.encode(s, add_special_tokens=False).ids)
    print("vocabulary", tk.get_vocab_size(), "system prompt", count(SYSTEM), "tokens; question", count(MAIN[0].format(x="the cat")), tk.encode(MAIN[0].format(x="the red carrot")).tokens,
          tk.encode("Sure,left zebra:[SEG].").tokens, "[SEG]", ids["[SEG]"])


if __name__ == "__main__":
    main()
