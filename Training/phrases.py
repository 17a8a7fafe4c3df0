"""Template phrases over the objects of a picture.

An object is a dict: names (valid nouns, main first), shares (colour word ->
share of its pixels), cx, cy, area (all relative to the picture).  Every maker
returns (phrase, indices of the denoted objects, tags) or None when the picture
does not allow an unambiguous phrase of that kind.
"""
import re
import zlib

import numpy as np

import nouns
from colours import NAMES as COLOURS, main_colour

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
ORDINALS = ["first", "second", "third", "fourth"]
PEOPLE = ["man", "woman", "guy", "lady", "boy", "girl", "kid", "player", "person", "someone"]

# What a person does with a thing that touches him or her, where the place tells (see `doing`).
RIDES = {"bicycle": "cyclist", "motorcycle": "rider", "horse": "rider", "elephant": "rider"}
BOARDS = {"skateboard": "skateboarder", "surfboard": "surfer", "snowboard": "snowboarder", "skis": "skier"}
HOLDS = set("umbrella,tennis racket,bat,cell phone,frisbee,toothbrush,remote,teddy bear,kite,surfboard,skateboard,snowboard".split(","))
WEARS = {"backpack": "wearing", "tie": "wearing", "baseball glove": "wearing", "handbag": "carrying", "suitcase": "with"}
SEATS = set("chair couch bench".split())
SUPPORTS = SEATS | set("table bed shelf counter".split())
# Things that are often together: to ask for one that is not there is harder than to ask for any.
TOGETHER = [set(g.split(",")) for g in (
    "fork,knife,spoon,bowl,cup,wine glass,bottle", "laptop,keyboard,computer mouse,tv,cell phone,remote", "car,truck,bus,motorcycle,bicycle,traffic light,stop sign",
    "sink,toilet,toothbrush,oven,microwave,refrigerator,toaster", "cow,sheep,horse,elephant,zebra,giraffe", "cat,dog,teddy bear,bed,couch", "bench,bird,bicycle,umbrella",
    "bat,baseball glove,ball,tennis racket,frisbee", "skateboard,surfboard,snowboard,skis,kite", "banana,orange,apple,carrot,broccoli", "pizza,sandwich,hot dog,donut,cake",
    "handbag,backpack,suitcase,umbrella,tie,cell phone", "couch,chair,tv,potted plant,vase,book,clock", "boat,surfboard,kite,bird", "airplane,truck,bus,train")]


def held_out(*words):
    """A tenth of the combinations (colour + noun, noun + relation + noun) never occurs in training."""
    return zlib.crc32("|".join(words).encode()) % 10 == 0


SIDES = {"left": ["left of", "to the left of", "on the left of"], "right": ["right of", "to the right of", "on the right of"], "above": ["above", "over"], "below": ["below", "under"]}
MORE_SIDES = {"left": ["on the left side of", "at the left of"], "right": ["on the right side of", "at the right of"], "above": ["higher than", "on top of"], "below": ["beneath", "underneath", "lower than"]}
NEAR = ["next to", "near", "beside", "close to", "by", "that is next to", "right next to"]
NEAREST = ["closest to", "nearest to", "that is closest to", "nearest"]
# What people put around a phrase; the first ones only where one thing is meant.
AROUND = ["where is {}", "where is {}?", "which one is {}?", "segment {}", "please segment {}", "find {}", "show me {}", "mark {}", "select {}", "i want {}", "i mean {}", "look for {}", "can you find {}?",
          "the mask of {}", "{}, please", "{} in the picture", "{} in this image", "{} in the photo", "{}?",
          "highlight {}", "outline {}", "point to {}", "give me {}", "cut out {}", "could you mark {}?", "i'm looking for {}", "only {}"]
AROUND_MANY = ["where are {}?", "where are {}", *AROUND[3:]]
# Other words for names; a phrase is sometimes said with one of them.
SYNONYMS = {
    "cat": ["kitty", "pussycat"], "dog": ["doggy", "hound"], "rabbit": ["bunny"], "turtle": ["tortoise"], "crocodile": ["alligator"], "person": ["human", "human being"],
    "man": ["gentleman", "dude"], "woman": ["female"], "car": ["automobile", "auto"], "airplane": ["aeroplane", "aircraft", "jet"], "ship": ["vessel"], "bicycle": ["cycle"],
    "motorcycle": ["motor bike"], "truck": ["lorry"], "cell phone": ["mobile phone", "smartphone", "cellphone"], "phone": ["telephone"], "laptop": ["notebook computer"],
    "tv": ["television set", "tv set"], "couch": ["settee"], "backpack": ["rucksack"], "umbrella": ["parasol"], "glasses": ["eyeglasses", "spectacles"], "flower": ["blossom"],
    "mug": ["coffee mug"], "gift": ["present"], "soccer ball": ["football"], "trash can": ["bin", "garbage can"], "donut": ["doughnut"], "bread": ["loaf"], "clock": ["timepiece"],
    # The longer names of drawings.
    "hippo": ["hippopotamus"], "rhino": ["rhinoceros"], "bee": ["honeybee"], "buffalo": ["water buffalo"], "shell": ["seashell"], "race car": ["racing car"], "fire truck": ["fire engine"],
    "suv": ["sport utility vehicle"], "small plane": ["small airplane"], "steam train": ["steam locomotive"], "ufo": ["flying saucer"], "frisbee": ["flying disc"], "sneaker": ["running shoe"],
    "high heel": ["high-heeled shoe"], "fries": ["french fries"], "corn": ["ear of corn"], "chili pepper": ["hot pepper"], "pine tree": ["evergreen tree"], "cocktail": ["cocktail glass"],
    "beer": ["beer mug"], "computer": ["desktop computer"], "microphone": ["studio microphone"], "piano": ["musical keyboard"], "disco ball": ["mirror ball"], "old house": ["derelict house"],
    # Colours.
    "gray": ["grey"], "purple": ["violet"],
}
LONGEST_FIRST = sorted(SYNONYMS, key=len, reverse=True)
# Not inside a longer name ("hot dog"): only at the beginning, or after an article or a colour.
BEFORE_NAME = rf"(^|\b(?:the|{'|'.join(COLOURS)}) )"
ANYTHING = "object", "thing"                                # what every thing may be called


class Phraser:
    """`wide`: also kinds ("the animal"), nearness, relative clauses and what people put around a phrase."""
    def __init__(self, rng, absent_names, allow_held_out=False, photo=False, tiled=False, wide=True):
        self.rng, self.absent_names, self.allow, self.photo, self.deep, self.wide = rng, absent_names, allow_held_out, photo, photo and not tiled, wide

    # ---------------------------------------------------------------- small helpers
    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def chance(self, p):
        return self.rng.random() < p

    def the(self, name):
        r = self.rng.random()
        if r < 0.4:
            return "the " + name
        if r < 0.55 and name.rpartition(" ")[2] not in nouns.PLURAL_FORM | nouns.MASS:
            return ("an " if name[0] in "aeiou" else "a ") + name
        return name

    def noun(self, o):
        if self.wide and self.chance(0.16):
            kinds = [k for k in self.kinds if o["names"][0] in nouns.KINDS[k]]
            if kinds:
                return kinds[0]
            if not self.photo and self.chance(0.15):
                return self.pick(ANYTHING)
        return o["names"][0] if self.chance(0.65) else self.pick(o["names"])

    def shown(self, name):
        """The word used for a name: in photographs a person is sometimes a man, a woman ..."""
        return self.pick(PEOPLE) if self.photo and name == "person" and self.chance(0.25) else name

    def named(self, name):
        kind = nouns.KINDS.get(name, ()) if self.wide else ()
        return [i for i, o in enumerate(self.objs) if name in o["names"] or o["names"][0] in kind or name in ANYTHING]

    def dressed(self, i, name):
        """The name of object i, sometimes with its colour, which says no more than is true."""
        word = main_colour(self.objs[i]["shares"]) if self.wide and self.chance(0.2) else None
        plain = word is None or word in name or "person" in self.objs[i]["names"] or held_out(word, name) and not self.allow
        return self.shown(name) if plain else f"{word} {name}"

    def is_colour(self, o, c):
        """True, False or None when one may argue."""
        share = o["shares"].get(c, 0)
        if "person" in o["names"]:
            return True if share >= 0.35 else False if share < 0.1 else None
        if main_colour(o["shares"]) == c:
            return True
        return False if share < 0.08 else None

    def choose(self):
        i = int(self.rng.integers(len(self.objs)))
        name = self.noun(self.objs[i])
        if name in self.blocked:
            return None
        return i, name, self.named(name)

    # ---------------------------------------------------------------- present
    def category(self):
        c = self.choose()
        if c is None or len(c[2]) != 1:
            return None
        return self.the(self.shown(c[1])), c[2], ["category"]

    def colour(self, wrong=False):
        c = self.choose()
        if c is None:
            return None
        i, name, same = c
        o = self.objs[i]
        if wrong:
            word = self.pick(COLOURS)
            if any(self.is_colour(self.objs[j], word) is not False for j in same):
                return None
            hits = []
        else:
            options = [w for w in o["shares"] if self.is_colour(o, w)]
            if not options:
                return None
            word = self.pick(options)
            flags = [self.is_colour(self.objs[j], word) for j in same]
            hits = [j for j, f in zip(same, flags) if f]
            if None in flags or len(hits) != 1:
                return None
        if held_out(word, name) and not self.allow or word in name:
            return None
        if "person" in o["names"]:
            return self.pick(["{n} in {c}", "the {n} in {c}", "{n} wearing {c}", "{n} in the {c} clothes"]).format(n=self.shown(name), c=word), hits, ["attribute"]
        if not self.photo and self.chance(0.1) and not wrong and sum(self.is_colour(x, word) is not False for x in self.objs) == 1:
            return self.pick(["the {c} one", "the {c} object", "{c} thing"]).format(c=word), hits, ["attribute"]
        if self.wide and not wrong and len(same) > 1 and self.chance(0.15):
            others = [j for j in same if j not in hits]
            known = main_colour(self.objs[others[0]]["shares"])
            if known and not held_out(known, name) and all(self.is_colour(self.objs[j], known) for j in others) and self.is_colour(o, known) is False:
                return self.pick(["the {n} that is not {c}", "the {n} which is not {c}", "the {n} that isn't {c}"]).format(n=name, c=known), hits, ["attribute"]
        if self.wide and self.chance(0.15):
            many = nouns.plural(name)
            forms = ["the {c} {m}", "all {c} {m}", "all the {c} {m}"] if wrong and self.chance(0.5) else ["the {n} that is {c}", "the {n} which is {c}", "the {c} colored {n}", "the {n} in {c}"]
            return self.pick(forms).format(n=name, c=word, m=many), hits, ["attribute"]
        return self.the(f"{word} {name}"), hits, ["attribute"]

    def size(self):
        c = self.choose()
        if c is None:
            return None
        name, same = c[1], c[2]
        if not self.photo and self.chance(0.15):
            name, same = "object", list(range(len(self.objs)))
        if len(same) < 2:
            return None
        order = sorted(same, key=lambda j: -self.objs[j]["area"])
        big, small = self.objs[order[0]]["area"] > 1.4 * self.objs[order[1]]["area"], self.objs[order[-1]]["area"] * 1.4 < self.objs[order[-2]]["area"]
        if self.wide and len(same) > 2 and self.chance(0.12):
            down = self.chance(0.6)
            order = order if down else order[::-1]
            areas = [self.objs[j]["area"] for j in order[:3]]
            if any(max(pair) < 1.4 * min(pair) for pair in zip(areas, areas[1:])):
                return None
            return self.pick(["the ", ""]) + f"second {self.pick(['largest', 'biggest'] if down else ['smallest'])} {self.shown(name)}", [order[1]], ["size"]
        largest = self.chance(0.6 if self.photo else 0.5)
        if not (big if largest else small):
            return None
        words = ["largest", "biggest", "bigger", "big", "large"] if largest else ["smallest", "smaller", "small", "little", "tiny"]
        word = self.pick(words[:2] if len(same) > 2 else words)
        if self.wide and self.chance(0.25):
            forms = ["the {n} that is the {w}", "the {w} of the {m}", "the {w} of all the {m}"] + (["the {v} of the two {m}", "the {v} one of the {m}", "the {n} that is {v}"] if len(same) == 2 else [])
            return self.pick(forms).format(n=name, m=nouns.plural(name), w=words[0], v="bigger" if largest else "smaller"), [order[0] if largest else order[-1]], ["size"]
        return self.pick(["the ", ""]) + f"{word} {self.shown(name)}", [order[0] if largest else order[-1]], ["size"]

    def position(self, wrong=False):
        c = self.choose()
        if c is None:
            return None
        name, same = c[1], c[2]
        horizontal = self.chance(0.7)
        key, words = ("cx", ("left", "right")) if horizontal else ("cy", ("top", "bottom"))
        last = bool(self.rng.integers(2))
        word = words[last]
        at = [self.objs[j][key] for j in same]
        n = self.shown(name)
        if wrong:
            if any((v > 0.4) if last else (v < 0.6) for v in at):
                return None
            return self.pick(["the {n} on the {w}", "{n} on the {w} side", "{w} {n}"]).format(n=n, w=word) if horizontal else f"{self.pick(['the ', ''])}{n} at the {word}", [], ["position"]
        order = sorted(same, key=lambda j: self.objs[j][key], reverse=last)
        if len(same) == 1:
            if not (at[0] > 0.62 if last else at[0] < 0.38):
                return None
        elif abs(self.objs[order[0]][key] - self.objs[order[1]][key]) < 0.08:
            return None
        if len(same) >= 3 and self.chance(0.35):
            gaps = [abs(self.objs[a][key] - self.objs[b][key]) for a, b in zip(order, order[1:])]
            if horizontal and len(same) == 3 and min(gaps) > 0.07 and self.chance(0.5):
                return self.pick(["the {n} in the middle", "middle {n}", "the middle {n}", "{n} in the center"]).format(n=n), [order[1]], ["position"]
            k = int(self.rng.integers(1, min(3, len(same) - 1) + 1))
            if k < len(gaps) and gaps[k] < 0.07 or gaps[k - 1] < 0.07:
                return None
            return f"{self.pick(['the ', ''])}{ORDINALS[k]} {n} from the {word}", [order[k]], ["position"]
        if horizontal:
            forms = ["{w} {n}", "the {n} on the {w}", "{n} on the {w}", "{n} on the {w} side", "the {n} to the {w}", "the {w} {n}"]
            if len(same) > 1:
                forms += ["{w}most {n}", "{n} furthest to the {w}", "the {n} on the far {w}", "far {w} {n}"]
                forms += ["the first {n} from the {w}", "first {n} from the {w}"] if self.wide else []
        else:
            forms = ["the {n} at the {w}", "{n} at the {w}", "{w} {n}", "the {w} {n}"]
            forms += (["the {n} in front", "front {n}", "the closest {n}"] if last else ["the {n} in the back"]) if self.deep and len(same) > 1 else []
        if self.wide and self.chance(0.3):
            forms = ["the {n} that is on the {w}", "the {n} on the {w} side of the picture", "the {n} on the {w} of the image"] if horizontal else ["the {n} that is at the {w}", "the {n} at the {w} of the picture"]
            if len(same) > 1:
                n = self.dressed(order[0], name)
                forms = ["the {n} that is furthest to the {w}", "the {n} closest to the {w} edge"] if horizontal else ["the upper {n}", "the highest {n}", "the topmost {n}"] if not last else ["the lower {n}", "the lowest {n}"]
        return self.pick(forms).format(n=n, w=word), [order[0]], ["position"]

    def coloured_position(self):
        """The leftmost (rightmost ...) of several things of one name and colour."""
        c = self.choose()
        word = self.pick(COLOURS) if c is None else main_colour(self.objs[c[0]]["shares"])
        if c is None or word is None or word in c[1] or "person" in self.objs[c[0]]["names"] or held_out(word, c[1]) and not self.allow:
            return None
        flags = [self.is_colour(self.objs[j], word) for j in c[2]]
        same = [j for j, f in zip(c[2], flags) if f]
        side = int(self.rng.integers(2))
        order = sorted(same, key=lambda j: self.objs[j]["cx"], reverse=bool(side))
        at = [self.objs[j]["cx"] for j in order]
        if None in flags or not order or (at[0] - 0.5) * (1 if side else -1) < 0.1 or len(at) > 1 and abs(at[0] - at[1]) < 0.08:
            return None
        return self.pick(["the {c} {n} on the {w}", "{c} {n} on the {w}", "{w} {c} {n}", "the {w} {c} {n}", "{c} {n} at the {w}"]).format(
            c=word, n=c[1], w=("left", "right")[side]), order[:1], ["attribute", "position"]

    def side(self, rel, be="is"):
        """Words for one of SIDES."""
        text = SIDES[rel]
        if self.wide and self.chance(0.4):
            text = [f"that {be} {t}" for t in text] + [f"which {be} {text[0]}", "located " + text[0]] if self.chance(0.6) else MORE_SIDES[rel]
        return self.pick(text)

    def coloured_size(self):
        """The largest or smallest of several things of one name and colour."""
        c = self.choose()
        word = None if c is None else main_colour(self.objs[c[0]]["shares"])
        if word is None or word in c[1] or "person" in self.objs[c[0]]["names"] or held_out(word, c[1]) and not self.allow:
            return None
        flags = [self.is_colour(self.objs[j], word) for j in c[2]]
        same = [j for j, f in zip(c[2], flags) if f]
        largest = self.chance(0.5)
        order = sorted(same, key=lambda j: self.objs[j]["area"], reverse=largest)
        if None in flags or len(order) < 2:
            return None
        a, b = (self.objs[j]["area"] for j in order[:2])
        if max(a, b) < 1.4 * min(a, b):
            return None
        words = (["largest", "biggest"] if largest else ["smallest"]) if len(order) > 2 else ["big", "large", "bigger", "biggest"] if largest else ["small", "little", "smaller", "smallest"]
        return f"{self.pick(['the ', ''])}{self.pick(words)} {word} {c[1]}", order[:1], ["attribute", "size"]

    def gap(self, i, j):
        """How far two boxes are apart, in parts of the picture's side; 0 where they overlap."""
        a, b = self.objs[i]["box"], self.objs[j]["box"]
        return max(0, a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])

    def landmark(self, names, other_than):
        """A thing of a name that no other has, to say where something is: its index and name."""
        j = int(self.rng.integers(len(self.objs)))
        name = self.objs[j]["names"][0]
        return None if j in other_than or name in self.blocked or self.named(name) != [j] or names & set(self.objs[j]["names"]) else (j, name)

    def nearby(self, wrong=False):
        """The thing next to another, or the nearest of several to it."""
        c = self.choose()
        mark = c and self.landmark({c[1]}, c[2])
        if not mark:
            return None
        _, name, same = c
        j, other = mark
        order = sorted(same, key=lambda k: self.gap(k, j))
        near = self.gap(order[0], j)
        if wrong:
            return (f"{self.pick(['the ', ''])}{name} {self.pick(NEAR)} the {self.dressed(j, other)}", [], ["relation"]) if near > 0.4 else None
        ahead = self.gap(order[1], j) - near if len(same) > 1 else 1.0
        forms = (NEAR if near < 0.15 and ahead > 0.2 else []) + (NEAREST if len(same) > 1 and ahead > 0.1 else [])
        if not forms:
            return None
        return f"{self.pick(['the ', ''])}{self.dressed(order[0], name)} {self.pick(forms)} the {self.dressed(j, other)}", order[:1], ["relation"]

    def between(self, wrong=False):
        """The thing between two others."""
        c = self.choose()
        marks = c and [self.landmark({c[1]}, c[2]) for _ in range(2)]
        if not marks or None in marks or marks[0] == marks[1]:
            return None
        ends = [np.array([self.objs[j]["cx"], self.objs[j]["cy"]]) for j, _ in marks]
        along = ends[1] - ends[0]
        length = float(np.hypot(*along))
        if length < 0.3:
            return None

        def off(k):
            """How far along the line between the two a thing is, and how far beside it."""
            at = np.array([self.objs[k]["cx"], self.objs[k]["cy"]]) - ends[0]
            return float(at @ along) / length ** 2, abs(float(at[0] * along[1] - at[1] * along[0])) / length ** 2

        hits = [k for k in c[2] if 0.2 < off(k)[0] < 0.8 and off(k)[1] < 0.3 and not wrong]
        about, aside = (0.2, 0.8) if wrong else (0.1, 0.6)
        if len(hits) != (0 if wrong else 1) or any(-about < off(k)[0] < 1 + about and off(k)[1] < aside for k in c[2] if k not in hits):
            return None
        a, b = (self.dressed(j, name) for j, name in marks)
        return f"{self.pick(['the ', ''])}{c[1] if wrong else self.dressed(hits[0], c[1])} between the {a} and the {b}", hits, ["relation"]

    def relation(self, wrong=False):
        c = self.choose()
        if c is None or len(self.objs) < 2:
            return None
        name, same = c[1], c[2]
        j = int(self.rng.integers(len(self.objs)))
        b = self.objs[j]
        other = b["names"][0]
        if j in same or other in self.blocked or len(self.named(other)) != 1 or name in b["names"]:
            return None
        rel = self.pick(["left", "right", "above", "below"])
        if held_out(name, rel, other) and not self.allow:
            return None
        key, sign = ("cx", 1 if rel == "right" else -1) if rel in ("left", "right") else ("cy", 1 if rel == "below" else -1)
        gap = [sign * (self.objs[i][key] - b[key]) for i in same]
        if any(-0.04 < g < 0.1 for g in gap):
            return None
        hits = [i for i, g in zip(same, gap) if g > 0]
        if self.wide and not wrong and len(hits) > 1:
            return f"{self.pick(['the ', 'all the ', 'all ', ''])}{nouns.plural(name)} {self.side(rel, 'are')} the {self.dressed(j, other)}", hits, ["relation"]
        if len(hits) != (0 if wrong else 1):
            return None
        subject = self.shown(name) if wrong else self.dressed(hits[0], name)
        return f"{self.pick(['the ', ''])}{subject} {self.side(rel)} the {self.dressed(j, other)}", hits, ["relation"]

    def otherwise(self, phrase):
        """The phrase, sometimes with another word for a name in it, unless something else in the picture has that name."""
        if not self.chance(0.2):
            return phrase
        here = {n for o in self.objs for n in o["names"]}
        for name in LONGEST_FIRST:
            words = [w for w in SYNONYMS[name] if w not in here]
            at = re.search(rf"{BEFORE_NAME}{name}\b", phrase) if words and name in phrase else None
            if at:
                return phrase[:at.end(1)] + self.pick(words) + phrase[at.end():]
        return phrase

    # ---------------------------------------------------------------- photographs only
    def touching(self, i, j, by=0.02):
        """Whether two things come nearer than `by` (their masks, as `make` was given them)."""
        a, b = self.objs[i]["box"], self.objs[j]["box"]
        if max(a[0], b[0]) - min(a[2], b[2]) > by or max(a[1], b[1]) - min(a[3], b[3]) > by:
            return False
        m, k = self.masks[i], max(1, round(by * len(self.masks[i])))
        near = m.copy()
        for d in range(1, k + 1):
            for axis in (0, 1):
                near |= np.roll(m, d, axis) | np.roll(m, -d, axis)
        return bool((near & self.masks[j]).any())

    def doing(self, i, j):
        """What person i does with thing j: by where they touch; None when that says nothing."""
        p, o, name = self.objs[i], self.objs[j], self.objs[j]["names"][0]
        (x0, y0, x1, y1), (u0, v0, u1, v1) = p["box"], o["box"]
        if "sid" in p or "sid" in o or not self.touching(i, j):
            return None
        width = (min(x1, u1) - max(x0, u0)) / min(x1 - x0, u1 - u0)
        if name in RIDES:
            on = width > 0.7 and y0 < v0 - 0.15 * (y1 - y0) and v0 < y1 < v1 - 0.05 * (v1 - v0) and o["area"] > 0.25 * p["area"]
            return "riding" if on else None
        if name in BOARDS and width > 0.4 and abs((v0 + v1) / 2 - y1) < 0.12 * (y1 - y0) and v1 - v0 < 0.5 * (y1 - y0):
            return "on"
        if name == "umbrella" and u1 - u0 < 0.6 * (x1 - x0):
            return None                                    # far behind
        if name in HOLDS and o["area"] < 1.5 * p["area"] and (v0 + v1) / 2 < y0 + 0.75 * (y1 - y0):
            return "holding"
        if name in WEARS and o["area"] < 0.6 * p["area"] and (name != "suitcase" or v1 > y0 + 0.4 * (y1 - y0)):
            return WEARS[name]
        if name in SEATS and y1 - y0 < 2 * (x1 - x0) and width > 0.6 and y0 < v0 + 0.3 * (v1 - v0) and v0 < (y0 + y1) / 2 < v1 and o["area"] > 0.2 * p["area"]:
            return "sitting on"
        return None

    def interaction(self):
        """The person who rides, holds, wears ... something, or the thing itself."""
        people = [i for i, o in enumerate(self.objs) if "person" in o["names"]]
        things = [j for j, o in enumerate(self.objs) if o["names"][0] in RIDES | BOARDS | WEARS.keys() | HOLDS | SEATS]
        if not people or not things or "person" in self.blocked:
            return None
        j = self.pick(things)
        name = self.objs[j]["names"][0]
        if name in self.blocked:
            return None
        same = self.named(name)
        # One person with one such thing; every other pair of the two kinds must be clearly apart.
        verbs = {(i, k): self.doing(i, k) for i in people for k in same}
        sure = [pair for pair, v in verbs.items() if v]
        if len(sure) != 1 or any(self.touching(i, k, 0.04) for i, k in verbs if (i, k) != sure[0]):
            return None
        (i, k), verb, word = sure[0], verbs[sure[0]], self.noun(self.objs[j])
        if self.chance(0.3) and verb != "sitting on":
            forms = {"riding": ["the {o} the {p} is riding", "the {o} being ridden", "{o} with a rider"], "on": ["{o} under the {p}", "the {o} the {p} is on"]}
            text = self.pick(forms.get(verb, ["the {o} the {p} is " + verb if verb != "with" else "the {o} of the {p}", "{o} of the {p}", "the {p}'s {o}"]))
            return text.format(o=word, p=self.pick(PEOPLE[:7] + ["person"])), [k], ["relation"]
        if name in RIDES | BOARDS and self.chance(0.25):
            return self.the((RIDES | BOARDS)[name]), [i], ["category"]
        forms = {"riding": ["riding", "riding", "on"], "on": ["on", "riding"], "sitting on": ["sitting on", "on", "seated on"], "wearing": ["wearing", "with"],
                 "carrying": ["carrying", "with"], "holding": ["holding", "with", "holding"], "with": ["with"]}[verb]
        article = self.pick(["the", "some" if word in nouns.PLURAL_FORM else "an" if word[0] in "aeiou" else "a"])
        return self.pick(["the ", "", ""]) + f"{self.shown('person')} {self.pick(forms)} {article} {word}", [i], ["action"]

    def beside(self):
        """The cup on the table, the chair next to the couch."""
        c = self.choose()
        if c is None or "person" in self.objs[c[0]]["names"]:
            return None
        i, name, same = c
        j = int(self.rng.integers(len(self.objs)))
        a, b = self.objs[i], self.objs[j]
        other = self.noun(b)
        if j in same or other in self.blocked or self.named(other) != [j] or name in b["names"] or "sid" in a or "sid" in b:
            return None
        if any(k != i and self.touching(k, j, 0.15) for k in same) or not self.touching(i, j):
            return None
        (x0, y0, x1, y1), (u0, v0, u1, v1) = a["box"], b["box"]
        on = b["names"][0] in SUPPORTS and a["area"] < 0.4 * b["area"] and u0 <= a["cx"] <= u1 and v0 < y1 < v1 and a["names"][0] not in SUPPORTS
        aside = (x1 < u0 + 0.3 * (u1 - u0) or x0 > u1 - 0.3 * (u1 - u0)) and abs(y1 - v1) < 0.15 and not {a["names"][0], b["names"][0]} & (nouns.STUFF.keys() | set(nouns.STUFF.values()))
        if not on and not aside:
            return None
        return f"{self.pick(['the ', ''])}{name} {'on' if on else self.pick(['next to', 'beside', 'by'])} the {other}", [i], ["relation"]

    def depth(self):
        """In front or behind, where size and lower edge agree."""
        c = self.choose()
        if c is None or len(c[2]) < 2 or any("sid" in self.objs[j] for j in c[2]):
            return None
        front = self.chance(0.6)
        order = sorted(c[2], key=lambda j: self.objs[j]["area"], reverse=front)
        (a, b), sign = (self.objs[j] for j in order[:2]), 1 if front else -1
        ratio = a["area"] / b["area"] if front else b["area"] / a["area"]
        lower = min(sign * (a["box"][3] - self.objs[j]["box"][3]) for j in order[1:])
        if ratio < 1.8 or lower < (-0.02 if front and a["box"][3] > 0.97 else 0.04):
            return None
        forms = ["the {n} in the foreground", "{n} in front", "the {n} in front", "closest {n}", "nearest {n}", "{n} closest to the camera"] if front else [
            "the {n} in the background", "{n} in the background", "{n} in the back", "the {n} furthest away", "{n} farthest away"]
        return self.pick(forms).format(n=self.shown(c[1])), order[:1], ["position"]

    def corner(self, wrong=False):
        """In the lower left, when no other of its name is near that corner; `wrong`: in a corner that all of its name are far from."""
        c = self.choose()
        if c is None:
            return None
        o = self.objs[c[0]]
        right, low = (o["cx"] > 0.5) != wrong, (o["cy"] > 0.5) != (wrong and self.chance(0.5))
        off = lambda q: max((1 - q["cx"]) if right else q["cx"], (1 - q["cy"]) if low else q["cy"])
        if wrong:
            fits = all(off(self.objs[j]) >= 0.6 for j in c[2])
        else:
            fits = off(o) <= 0.33 and all(off(self.objs[j]) >= 0.48 for j in c[2] if j != c[0])
        if not fits:
            return None
        v, w = self.pick(["bottom", "lower"] if low else ["top", "upper"]), "right" if right else "left"
        forms = ["{n} in the {v} {w}", "the {n} at the {v} {w}", "{n} in the {v} {w} corner", "{v} {w} {n}"]
        forms += ["the {n} in the {v} {w} corner", "the {v} {w} {n}", "the {n} on the {v} {w}", "the {n} in the {v} {w} corner of the picture"] if self.wide else []
        return self.pick(forms).format(n=self.shown(c[1]), v=v, w=w), [] if wrong else [c[0]], ["position"]

    def mistaken(self):
        """Absent, and near the truth: what goes with the things that are there, or what nobody does with them."""
        here = {n for o in self.objs for n in o["names"]}
        if self.chance(0.5):
            near = sorted({n for g in TOGETHER if g & here for n in g} - here - self.blocked)
            near = [n for n in near if not set(n.split()) & {w for h in here for w in h.split()}]
            return (self.the(self.pick(near)), [], ["category"]) if near else None
        people = [i for i, o in enumerate(self.objs) if "person" in o["names"]]
        name = self.pick(sorted(RIDES.keys() | WEARS.keys() | HOLDS))
        if not people or {name, "person"} & self.blocked:
            return None
        if any(self.touching(i, j, 0.1) for j in self.named(name) for i in people) or any("sid" in o and "person" in o["names"] for o in self.objs):
            return None
        if set(name.split()) & {w for h in here - {name} for w in h.split()}:
            return None
        verb = "riding" if name in RIDES else WEARS.get(name, "holding")
        return f"{self.pick(['the ', ''])}{self.shown('person')} {verb} {'an' if name[0] in 'aeiou' else 'a'} {name}", [], ["action"]

    # ---------------------------------------------------------------- several
    def several(self):
        c = self.choose()
        if c is None:
            return None
        i, name, same = c
        r = self.rng.random()
        if r < 0.3:                                        # the cat and the pear
            j = int(self.rng.integers(len(self.objs)))
            other = self.noun(self.objs[j])
            b = self.named(other)
            if len(same) != 1 or len(b) != 1 or b == same or other in self.blocked:
                return None
            if self.wide and self.chance(0.3):
                mark = self.landmark({name, other}, same + b)
                if mark:
                    return self.pick(["the {a}, the {b} and the {c}", "{a}, {b} and {c}"]).format(a=name, b=other, c=mark[1]), same + b + [mark[0]], ["category"]
            if self.wide:
                name, other = self.dressed(same[0], name), self.dressed(b[0], other)
            return self.pick(["the {a} and the {b}", "{a} and {b}", "both the {a} and the {b}"]).format(a=name, b=other), same + b, ["category"]
        if len(same) < 2:
            return None
        many = nouns.plural(self.shown(name) if not self.photo else name)
        if r < 0.45 and len(same) >= 3:
            last = bool(self.rng.integers(2))
            hits = [j for j in same if (self.objs[j]["cx"] > 0.5) == last]
            if len(hits) < 2 or len(hits) == len(same) or any(abs(self.objs[j]["cx"] - 0.5) < 0.05 for j in same):
                return None
            return f"{self.pick(['the ', 'all the ', ''])}{many} on the {'right' if last else 'left'}", hits, ["position"]
        if r < 0.6:
            word = self.pick(COLOURS)
            flags = [self.is_colour(self.objs[j], word) for j in same]
            hits = [j for j, f in zip(same, flags) if f]
            if None in flags or len(hits) < 2:
                return None
            forms = ["all the {c} {m}", "the {c} {m}", "{c} {m}"]
            if self.wide:
                forms += ["everything {c}", "everything that is {c}", "anything {c}"] if name in ANYTHING else ["all {c} {m}", "the {m} that are {c}", "every {c} {n}"]
            return self.pick(forms).format(c=word, m=many, n=name), hits, ["attribute"]
        forms = ["all the {m}", "all {m}", "the {m}", "{m}", "every {n}"]
        if (self.photo or self.wide) and len(same) in NUMBERS:
            forms += ["{k} {m}", "the {k} {m}"]
        if self.wide:
            forms += ["all of the {m}", "each {n}"]
        if len(same) == 2:
            forms += ["both {m}", "the two {m}", "both {m}"]
        elif len(same) in NUMBERS:
            forms += ["the {k} {m}", "all {k} {m}"]
        return self.pick(forms).format(m=many, n=name, k=NUMBERS.get(len(same), "")), same, ["category"]

    # ---------------------------------------------------------------- absent
    def absent(self):
        if self.labelled and self.objs and self.chance(0.4):
            made = self.mistaken()
            if made:
                return made
        r = self.rng.random()
        if self.objs and r < 0.6:
            ways = [self.colour, self.position, self.position, self.relation]
            if self.wide and not self.photo:
                ways += [self.relation, self.relation, self.corner, self.between, self.nearby]
            made = self.pick(ways)(wrong=True)
            if made or r < 0.3:
                return made
        kinds = self.kinds if self.wide and self.chance(0.08) else ()
        name = self.pick(kinds) if kinds else self.absent_names()
        words = set(name.split())
        if name in self.blocked or kinds and self.named(name) or any(name in o["names"] or words & set(" ".join(o["names"]).split()) for o in self.objs):
            return None
        r = self.rng.random()
        if r < 0.6 or not self.objs:
            return self.the(name), [], ["category"]
        if r < 0.7:
            return self.pick(["all the {}", "the {}", "{}", "both {}"]).format(nouns.plural(name)), [], ["category"]
        if r < 0.8:
            return self.the(f"{self.pick(COLOURS)} {name}"), [], ["category"]
        if r < 0.9:
            return self.pick(["the {} on the left", "the {} on the right", "left {}", "right {}", "largest {}", "{} in the middle"]).format(name), [], ["category"]
        other = self.objs[int(self.rng.integers(len(self.objs)))]["names"][0]
        if self.wide:                                       # in the words in which present things are told, or these alone would say that it is absent
            rel = self.side(self.pick(list(SIDES))) if self.chance(0.6) else self.pick(NEAR + NEAREST)
        else:
            rel = self.pick(["left of", "right of", "above", "below", "next to"])
        return (f"the {other} {rel} the {name}" if self.chance(0.5) else f"the {name} {rel} the {other}"), [], ["relation"]

    def make(self, objs, blocked, count, absent_share=0.22, masks=None, labelled=False, found=False):
        """Up to `count` different phrases: list of dict(phrase, targets, kind, tags).
        masks: of the objects of a photograph; labelled: whether all its usual things are among them; found: whether
        a detector has looked for these."""
        self.objs, self.blocked, self.masks, self.labelled = objs, blocked, masks, labelled
        if count == 0:
            return []
        if self.wide:
            # All animals and vehicles of a photograph are labelled, if any things are; not all fruit.
            self.kinds = list(nouns.KINDS)[:2 if self.photo else None] if not self.photo or labelled or found else []
            here = {o["names"][0] for o in objs}
            self.blocked = blocked | {k for k in nouns.KINDS if nouns.ARGUABLE[k] & here or (nouns.KINDS[k] | nouns.ARGUABLE[k]) & blocked}
        weights = dict(category=3.0, colour=2.0, size=1.5, position=2.4, coloured_position=1.0, relation=1.4, several=1.6)
        if self.photo:
            weights.update(corner=1.0)
            weights.update(dict(depth=1.0) if self.deep else {})
            weights.update(dict(interaction=2.5, beside=1.2) if labelled or found else {})
        elif self.wide:
            weights.update(nearby=1.8, between=0.6, coloured_size=0.7, corner=0.9)
        kinds, p = list(weights), [w / sum(weights.values()) for w in weights.values()]
        out, seen = [], set()
        absent = int(self.rng.binomial(count, absent_share)) if objs else 1
        plan = ["absent"] * absent + ["present"] * (count - absent if objs else 0)
        for want in plan * 6:
            if len(out) == count:
                break
            if want == "absent" and sum(not f["targets"] for f in out) >= absent:
                continue
            kind = "absent" if want == "absent" else kinds[int(self.rng.choice(len(kinds), p=p))]
            made = None
            for _ in range(4):
                made = getattr(self, kind)()
                if made:
                    break
            key = made and made[0].removeprefix("the ").removeprefix("a ").removeprefix("an ")
            if not made or key in seen:
                continue
            seen.add(key)
            group = "absent" if not made[1] else "single" if len(made[1]) == 1 else "multi"
            phrase = self.otherwise(made[0]) if self.wide else made[0]
            if self.wide and self.chance(0.06):
                phrase = self.pick(AROUND if group != "multi" else AROUND_MANY).format(phrase)
            out.append(dict(phrase=phrase, targets=made[1], kind=group, tags=made[2]))
        return out
