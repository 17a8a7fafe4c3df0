"""Holds README's table of settings to the program's own list, so that neither drifts.

    python3 Tests/ReadmeTests/configuration.py [--write]

--write puts the table that the program gives into README.md. Names, meanings and defaults are what the program
says of its options; what a setting may be is what it says to a wrong value, asked both by flag and by environment.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: Tests/ReadmeTests/configuration.py --write -->\n", "<!-- end of settings -->\n"
WRONG = "no-such-value"


def table(program):
    rows = ["| option | meaning | default | may be |", "| --- | --- | --- | --- |"]
    for option in options(program):
        name = next(item["name"] for item in option["names"] if item["kind"] == "long")
        if name == "help":
            continue
        text = " ".join(option["abstract"].split())
        parts = re.fullmatch(r"(.*?)\s*\(default: (.*)\)", text)
        assert parts, f"--{name} does not say its default: {text}"
        meaning, default = parts.groups()
        rows.append(f"| `--{name}` | {meaning} | {default} | {allowed(program, name)} |")
    return "\n".join(rows) + "\n"


def options(program):
    dump = subprocess.run([program, "serve", "--experimental-dump-help"], capture_output=True, text=True, check=True)
    return [item for item in json.loads(dump.stdout)["command"]["arguments"] if item["kind"] == "option"]


def allowed(program, name):
    """In the program's words; text where it takes any."""
    variable = "MLLMSEG_" + name.upper().replace("-", "_")
    told = {answer(program, [f"--{name}", WRONG], {}, f"--{name}"), answer(program, [], {variable: WRONG}, variable)}
    assert len(told) == 1, f"--{name} and {variable} are not checked alike: {told}"
    return told.pop()


def answer(program, options, environment, source):
    # A page that isn't there ends the program after all settings are read, where this one takes any text.
    last = [] if source in ("--public", "MLLMSEG_PUBLIC") else ["--public", WRONG]
    done = subprocess.run(
        [program, "serve", *options, *last], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    found = re.search(rf'{re.escape(source)} is "{WRONG}": it has to be (.*)', done.stderr)
    return found[1] if found else "text"


def split():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    shown, after = rest.split(END)
    return before, shown, after


def check(program):
    made, shown = table(program), split()[1]
    lines = set(made.splitlines()) ^ set(shown.splitlines())
    assert made == shown, "README's settings are not the program's; run Tests/ReadmeTests/configuration.py --write:\n" + "\n".join(sorted(lines))
    print(f"ok: README lists the program's {len(made.splitlines()) - 2} settings")


if __name__ == "__main__":
    built = Path(os.environ.get("PROGRAM", ROOT / ".build/release/mllmseg"))
    program = built if built.exists() else ROOT / ".build/debug/mllmseg"
    if "--write" in sys.argv[1:]:
        before, _, after = split()
        README.write_text(before + BEGIN + table(program) + END + after)
    else:
        check(program)
