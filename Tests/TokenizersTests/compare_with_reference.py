#!/usr/bin/env python3
"""Compares our tokenizers with the reference implementations, token for token.

    pip install tokenizers==0.21.4 sentencepiece==0.2.3
    swift build -c release --build-tests
    python3 Tests/TokenizersTests/compare_with_reference.py [--count 60000] [--seed 1] [--only qwen2|internlm2|tiny]

It makes strings of every script, emoji, combining marks, numbers, white space, code and spellings of special
tokens, has the reference encode them (Hugging Face `tokenizers` for byte-level BPE, `sentencepiece` for
tokenizer.model), writes them as JSON lines and runs the test `ReferenceComparison`, which reads that file.

Scalars that Python's Unicode version doesn't know are left out: the reference libraries disagree about those
among themselves (each carries its own Unicode version).
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(ROOT, "..", "shared", "tokenizers")
MODELS = os.path.join(ROOT, "Tests", "TokenizersTests", "Fixtures", "sentencepiece")
TINY = os.path.join(ROOT, "Tests", "MLLMSegTests", "Golden", "qwen2_merged")

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPECIALS = [
    "[SEG]", "[REJ]", "<IMG_CONTEXT>", "<img>", "</img>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<s>",
    "</s>", "<unk>", "<0x0A>", "<0xFF>", "[UNUSED_TOKEN_1]", "[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]", "[SEG",
    "SEG]", "[[SEG]]", "<|im_", "<ref>", "<quad>", "\u2581", "\u2581\u2581", "#version: 0.2", "\u0120the", "Ċ",
]
WORDS = (
    "the left man in red shirt woman holding umbrella dog cat behind second from right guy w/ hat person "
    "closest to us, blue jersey #23 it's don't we'll I'm they've he'd 'S 'T 'RE 'Ve 'M 'lL 'D "
    "'\u017f don\u2019t naïve café résumé größte straße œuvre señor İstanbul ıŞ ǆ ǅ ﬁn ﬃ ﬆ "
    "女人 在左边 红色 伞 車 日本語 テキスト ひらがな 한국어 텍스트 белая машина Ελληνικά ς עברית עִבְרִית "
    "العربية هٰذَا हिन्दी क्षत्रिय தமிழ் ไทย ภาษา မြန်မာ ខ្មែរ ગુજરાતી ქართული አማርኛ ᏣᎳᎩ "
    "xxxxxxxxxxxxxxxx aaaaaaaa __init__ a_b self.x=0; printf(\"%d\\n\",i); http://x.y/z?q=1&r=2 C:\\dir "
    "0 12 345 6,789.01 -1e-9 ½ Ⅻ ² ٣٤ ३ 〇 1st 2nd $5.00 50% ... !!! ??? -- == != <= && || /* */ // {} [] ()"
).split()
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n", "\n ", "\r", "\u00a0", "\u3000", "\u2003", "\u2028",
          "\u0085", "\u200b", "\u180e", "\ufeff", "\x0b", "\x0c", "\x1c", "\x00", " \t \n  "]
EMOJI = ["🐶", "🚗", "👨‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🇩🇪🇫🇷", "❤️", "☺", "1️⃣", "👍🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u200d", "\ufe0f"]

ASSIGNED = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
MARKS = [c for c in ASSIGNED if unicodedata.category(chr(c))[0] == "M"]
DECOMPOSABLE = [c for c in ASSIGNED if unicodedata.normalize("NFD", chr(c)) != chr(c)]
BLOCKS = sorted({c >> 7 for c in ASSIGNED})
BY_BLOCK = {}
for scalar in ASSIGNED:
    BY_BLOCK.setdefault(scalar >> 7, []).append(scalar)


def make_string(rng):
    kind = rng.randrange(12)
    if kind == 0:  # any assigned scalars
        return "".join(chr(rng.choice(ASSIGNED)) for _ in range(rng.randint(1, 12)))
    if kind <= 2:  # one script: a block of 128 scalars, with spaces
        block = BY_BLOCK[rng.choice(BLOCKS)]
        return "".join(" " if rng.random() < 0.15 else chr(rng.choice(block)) for _ in range(rng.randint(1, 30)))
    if kind == 3:  # combining marks in any order, composed and decomposed
        parts = []
        for _ in range(rng.randint(1, 8)):
            base = chr(rng.choice(DECOMPOSABLE)) if rng.random() < 0.5 else rng.choice("aeioucnAEOU가ㅏ<=>~")
            if rng.random() < 0.5:
                base = unicodedata.normalize(rng.choice(("NFD", "NFKD")), base)
            parts.append(base + "".join(chr(rng.choice(MARKS)) for _ in range(rng.randint(0, 4))))
        return "".join(parts)
    if kind == 4:  # Latin-1 and ASCII noise
        return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(256)))) for _ in range(rng.randint(1, 40)))
    if kind == 5:  # digits and punctuation
        return "".join(rng.choice("0123456789.,:;-+/*%$#@!?()[]{}<>|'\"\\ \n") for _ in range(rng.randint(1, 40)))
    if kind == 6:  # apostrophes
        return "".join(rng.choice(["'", "s", "S", "t", "re", "ve", "ll", "L", "d", "m", "\u017f", " ", "x", "1", "\n"])
                       for _ in range(rng.randint(2, 14)))
    if kind == 7:  # one long run
        unit = rng.choice(["a", "ab", "=", "-", " ", "\n", "the", "0", "好", "é", "🐶", "xy z"])
        return unit * rng.randint(1, 200)
    pools = [WORDS, WORDS, WORDS, SPACES, SPACES, EMOJI, SPECIALS]
    out = []
    for _ in range(rng.randint(1, 16)):
        out.append(rng.choice(rng.choice(pools)))
        if rng.random() < 0.6:
            out.append(" ")
    text = "".join(out)
    if kind == 11 and text:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + chr(rng.choice(ASSIGNED)) + text[at:]
    return text.upper() if rng.random() < 0.05 else text


def byte_level(directory):
    """(encode plain, encode with added tokens) by Hugging Face's tokenizers."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

    def base():
        tokenizer = Tokenizer(models.BPE.from_file(directory + "/vocab.json", directory + "/merges.txt"))
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        return tokenizer

    plain, added = base(), base()
    with open(directory + "/tokenizer_config.json") as file:
        entries = json.load(file)["added_tokens_decoder"]
    for wanted, entry in sorted(((int(i), e) for i, e in entries.items()), key=lambda pair: pair[0]):
        added.add_tokens([AddedToken(**entry)])
        assert added.token_to_id(entry["content"]) == wanted

    # NFC by Python first, as Hugging Face's slow Qwen2Tokenizer does: the normaliser inside `tokenizers` knows
    # fewer combining marks (an older Unicode) and leaves them unordered. What is NFC already it doesn't change.
    def composed(text):
        return unicodedata.normalize("NFC", text)

    return (lambda text: plain.encode(composed(text)).ids), (lambda text: added.encode(composed(text)).ids)


def sentence_piece(directory):
    import sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_file=directory + "/tokenizer.model")
    return (lambda text: processor.encode(text)), None


# Normalisation rules of our own: full-width letters, a composed sequence, spaces, something that vanishes.
RULES = ([f"{0xFF21 + i:X}\t{0x41 + i:X}" for i in range(26)] + [f"{0x41 + i:X}\t{0x61 + i:X}" for i in range(26)] +
         ["65 301\tE9", "65 301 301\t45", "3000\t20", "A0\t20", "9\t20", "A\t20", "200B\t", "BD\t31 2F 32", "FB03\t66 66 69"])


def train_models(folder):
    """SentencePiece models of every setting, from our own words."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as schema
    rng = random.Random(3)
    lines = [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(2000)]
    rules = os.path.join(folder, "rules.tsv")
    with open(rules, "w") as file:
        file.write("".join(rule + "\n" for rule in RULES))
    plain = {"normalization_rule_name": "identity", "add_dummy_prefix": False, "remove_extra_whitespaces": False}
    settings = {
        "like_internlm2": plain | {"byte_fallback": True, "vocab_size": 800, "character_coverage": 0.98,
                                   "user_defined_symbols": ["[UNUSED_TOKEN_1]", "[UNUSED_TOKEN_145]"]},
        "like_llama": {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True,
                       "vocab_size": 700, "character_coverage": 0.98},
        "rules": {"normalization_rule_tsv": rules, "vocab_size": 500, "character_coverage": 0.98,
                  "user_defined_symbols": ["[SEG]", "[SEG", "red\u2581shirt"]},
        "suffix": plain | {"add_dummy_prefix": True, "treat_whitespace_as_suffix": True, "vocab_size": 500,
                           "character_coverage": 0.98},
        "nmt_nfkc": {"normalization_rule_name": "nmt_nfkc", "vocab_size": 700, "byte_fallback": True,
                     "character_coverage": 0.98},
    }
    for name, options in settings.items():
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        path = os.path.join(folder, name, "tokenizer.model")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=path[:-len(".model")], model_type="bpe", num_threads=1,
            minloglevel=2, **options)
        os.remove(path[:-len(".model")] + ".vocab")
        model = schema.ModelProto()
        with open(path, "rb") as file:
            model.ParseFromString(file.read())
        if name in ("rules", "like_llama"):  # some pieces may be made but not used
            for piece in [p for p in model.pieces if p.type == 1 and len(p.piece) > 2][::5]:
                piece.type = 5
        model.trainer_spec.ClearField("input")
        model.trainer_spec.ClearField("model_prefix")
        with open(path, "wb") as file:
            file.write(model.SerializeToString())


def write_cases(path, count, seed, only, models=MODELS):
    rng = random.Random(seed)
    sources = [("tiny", TINY, byte_level), ("qwen2", SHARED + "/qwen2-internvl2-1b", byte_level),
               ("internlm2", SHARED + "/internlm2", sentence_piece)]
    sources += [(name, os.path.join(models, name), sentence_piece) for name in sorted(os.listdir(models))
                if os.path.isdir(os.path.join(models, name))]
    written = 0
    with open(path, "w") as out:
        for name, directory, judge in sources:
            if only not in (None, name) and not (only == "models" and directory.startswith(models)):
                continue
            if not os.path.isdir(directory):
                print(f"skipped: {directory} is absent")
                continue
            plain, with_added = judge(directory)
            seen = set()
            while len(seen) < (count if name in ("qwen2", "internlm2") else max(count // 10, 100)):
                text = make_string(rng)
                if text in seen:
                    continue
                seen.add(text)
                added = with_added is not None and rng.random() < 0.2
                ids = with_added(text) if added else plain(text)
                case = {"directory": directory, "text": text, "ids": ids, "added": added}
                out.write(json.dumps(case) + "\n")
                written += 1
    return written


def fnv1a(ids):
    """64-bit FNV-1a over the ids as little-endian 32-bit integers, in hex."""
    value = 0xCBF29CE484222325
    for byte in b"".join(i.to_bytes(4, "little") for i in ids):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def write_fixture(path, count, seed):
    """A small file for every test run: ids for the tiny vocabulary of ours, only hashes for other people's."""
    names = {TINY: "tiny", SHARED + "/qwen2-internvl2-1b": "qwen2", SHARED + "/internlm2": "internlm2"}
    names |= {os.path.join(MODELS, name): name for name in os.listdir(MODELS)}
    with tempfile.TemporaryDirectory() as folder:
        write_cases(os.path.join(folder, "cases.jsonl"), count, seed, None)
        with open(os.path.join(folder, "cases.jsonl")) as cases, open(path, "w") as out:
            for case in map(json.loads, cases):
                name = names[case.pop("directory")]
                ids = case.pop("ids")
                out.write(json.dumps({"vocabulary": name} | case | (
                    {"hash": fnv1a(ids)} if name in ("qwen2", "internlm2") else {"ids": ids})) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("tiny", "qwen2", "internlm2", "models"))
    parser.add_argument("--models", help="train the fixture's SentencePiece models there and run nothing")
    parser.add_argument("--fixture", help="write the small fixture there and run nothing")
    parser.add_argument("--write", help="write the JSON lines there and run nothing")
    arguments = parser.parse_args()
    if arguments.models:
        return train_models(arguments.models)
    if arguments.fixture:
        return write_fixture(arguments.fixture, 200, arguments.seed)
    if arguments.write:
        models = arguments.write + ".models"
        os.makedirs(models, exist_ok=True)
        train_models(models)
        print(write_cases(arguments.write, arguments.count, arguments.seed, arguments.only, models), "cases")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cases.jsonl")
        train_models(folder)
        print(write_cases(path, arguments.count, arguments.seed, arguments.only, folder), "cases", flush=True)
        command = ["swift", "test", "-c", "release", "--skip-build", "--filter", "ReferenceComparison"]
        sys.exit(subprocess.run(command, cwd=ROOT, env=os.environ | {"MLLMSEG_TOKENIZER_CASES": path}).returncode)


if __name__ == "__main__":
    main()
