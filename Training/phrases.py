"""Template phrases over the objects of a picture.

An object is a dict: names (valid nouns, main first), shares (colour word ->
share of its pixels), cx, cy, area (all relative to the picture).  Every maker
returns (phrase, indices of the denoted objects, tags) or None when the picture
does not allow an unambiguous phrase of that kind.
"""
import zlib

import nouns
from colours import NAMES as COLOURS, main_colour

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
ORDINALS = ["first", "second", "third", "fourth"]
PEOPLE = ["man", "woman", "guy", "lady", "boy", "girl", "kid", "player"]


def held_out(*words):
    """A tenth of the combinations (colour + noun, noun + relation + noun) never occurs in training."""
    return zlib.crc32("|".join(words).encode()) % 10 == 0


class Phraser:
    def __init__(self, rng, absent_names, allow_held_out=False, photo=False):
        self.rng, self.absent_names, self.allow, self.photo = rng, absent_names, allow_held_out, photo

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
        return o["names"][0] if self.chance(0.65) else self.pick(o["names"])

    def shown(self, name):
        """The word used for a name: in photographs a person is sometimes a man, a woman ..."""
        return self.pick(PEOPLE) if self.photo and name == "person" and self.chance(0.25) else name

    def named(self, name):
        return [i for i, o in enumerate(self.objs) if name in o["names"] or name in ("object", "thing")]

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
        largest = self.chance(0.6 if self.photo else 0.5)
        if not (big if largest else small):
            return None
        words = ["largest", "biggest", "bigger", "big", "large"] if largest else ["smallest", "smaller", "small", "little", "tiny"]
        word = self.pick(words[:2] if len(same) > 2 else words)
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
        else:
            forms = ["the {n} at the {w}", "{n} at the {w}", "{w} {n}", "the {w} {n}"]
            forms += (["the {n} in front", "front {n}", "the closest {n}"] if last else ["the {n} in the back"]) if self.photo and len(same) > 1 else []
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
        if len(hits) != (0 if wrong else 1):
            return None
        text = {"left": ["left of", "to the left of", "on the left of"], "right": ["right of", "to the right of", "on the right of"],
                "above": ["above", "over"], "below": ["below", "under"]}[rel]
        return f"{self.pick(['the ', ''])}{self.shown(name)} {self.pick(text)} the {other}", hits, ["relation"]

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
            return self.pick(["all the {c} {m}", "the {c} {m}", "{c} {m}"]).format(c=word, m=many), hits, ["attribute"]
        forms = ["all the {m}", "all {m}", "the {m}", "{m}", "every {n}"]
        if len(same) == 2:
            forms += ["both {m}", "the two {m}", "both {m}"]
        elif len(same) in NUMBERS:
            forms += ["the {k} {m}", "all {k} {m}"]
        return self.pick(forms).format(m=many, n=name, k=NUMBERS.get(len(same), "")), same, ["category"]

    # ---------------------------------------------------------------- absent
    def absent(self):
        r = self.rng.random()
        if self.objs and r < 0.6:
            made = self.pick([self.colour, self.position, self.position, self.relation])(wrong=True)
            if made or r < 0.3:
                return made
        name = self.absent_names()
        words = set(name.split())
        if name in self.blocked or any(name in o["names"] or words & set(" ".join(o["names"]).split()) for o in self.objs):
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
        rel = self.pick(["left of", "right of", "above", "below", "next to"])
        return (f"the {other} {rel} the {name}" if self.chance(0.5) else f"the {name} {rel} the {other}"), [], ["relation"]

    def make(self, objs, blocked, count, absent_share=0.22):
        """Up to `count` different phrases: list of dict(phrase, targets, kind, tags)."""
        self.objs, self.blocked = objs, blocked
        if count == 0:
            return []
        weights = dict(category=3.0, colour=2.0, size=1.5, position=2.4, coloured_position=1.0, relation=1.4, several=1.6)
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
            out.append(dict(phrase=made[0], targets=made[1], kind=group, tags=made[2]))
        return out
