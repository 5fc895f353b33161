"""Mistakes in working, and how they are mended: a script that does not parse, a line quoted from memory, a file in the wrong place.

Each fails before it could act, or makes something of a name that nothing else has and takes it away again, so that the workspace is as
before when the step itself comes.
"""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import PurePosixPath

from sandbox.plays import Play
from sandbox.scene import Scene, Slip, Voice, misspelt, script_of, text_of

TYPED = ("find", "head", "tail", "grep")
# A line of which nothing acts once its first command fails: the others don't run, or only sort and cut what they get.
ONE_LINE = re.compile(r"[^;&|<>$`\n]+(?:&& [^;&|<>$`\n]+|\| (?:sort|head|tail|wc|uniq|cut)\b[^;&|<>$`\n]*)*")
IN_PACKAGE = re.compile(r"(?:ls && )?(?:cat [\w.]+|python3 -m unittest -q)(?: && python3 -m unittest -q)?")
HEADS = re.compile(r"\s*(?:def|for|if|elif|else|with|while|class)\b.*:\Z")
IMPORT = re.compile(r"import [\w., ]+|from [\w.]+ import [\w, ]+")
IMPORTS = (  # a line of a script, what is wrong in it, and what mends it
    (r"import .*\bcsv\b", "csv", "cvs", "`csv`, not `cvs`. The script again."),
    (r"import .*\byaml\b", "yaml", "pyyaml", "PyYAML is imported as `yaml`. Once more."),
    (r"import .*\bshutil\b", "shutil", "shutils", "The module is `shutil`, without an s. Once more."),
    (r"import .*\bconfigparser\b", "configparser", "ConfigParser", "That was its name in Python 2; now it is `configparser`."),
    (r"import .*\bhtml\.parser\b", "html.parser", "HTMLParser", "In Python 3 that is `html.parser`. The script with it."),
    (r"from decimal import Decimal", "Decimal", "decimal", "The class is `Decimal`, with a capital. Again."),
    (r"from collections import Counter", "Counter", "counter", "`Counter` has a capital. The same script with it."),
)
MENDED = {
    ":": (
        "I left out a colon, so nothing ran. The same script, complete this time.",
        "A colon is missing there. Once more with it.",
        "Python wants its colon. Again.",
    ),
    ")": (
        "A closing bracket got lost. The script again, with it.",
        "One bracket too few; nothing has been written. Again.",
        "That bracket was never closed. Now it is.",
    ),
}
MISTYPED = ("A typing error; again.", "That was a slip of the fingers.", "Mistyped: the command is `{word}`.", "`{word}`, of course.")
PLACE = ("That ran in the wrong folder; the package is in `{folder}`.", "It has to run in `{folder}`.", "I forgot to go to `{folder}`.")
MEMORY = ("I had quoted the line from memory. Now as it stands in the file.", "It reads a little differently. With the exact text:")
FIND_LINE = ("How does that line read exactly?", "Not there as I wrote it. How does the line go?")
ASTRAY = (
    "That went to the top of the workspace. It belongs into `{folder}`, so this one goes.",
    "Wrong place: I forgot `{folder}`. Away with it.",
)
ANEW = ("Now where it belongs.", "And now in its folder.")
MAKE = ("A folder for the results first.", "I make the folder for the results.")
UNMAKE = ("I misspelt that: it is to be `{folder}`. The empty one goes.", "Not `{wrong}` but `{folder}`. I take the empty one away.")


def typo(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Mistypes the command that a line begins with."""
    step = scene.steps[index]
    if step.tool != "exec":
        return None
    word, _, others = step.arguments["command"].partition(" ")
    if word not in TYPED or not ONE_LINE.fullmatch(step.arguments["command"]):
        return None
    tried = Play(step.says, "exec", {**step.arguments, "command": f"{misspelt(voice, word)} {others}"})
    return Slip((tried,), voice.says(MISTYPED, word=word))


def no_workdir(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Runs a package's test, or shows its README, without going there."""
    step = scene.steps[index]
    if step.tool != "exec" or not step.arguments.get("workdir") or not IN_PACKAGE.fullmatch(step.arguments["command"]):
        return None
    tried = {name: value for name, value in step.arguments.items() if name != "workdir"}
    return Slip((Play(step.says, "exec", tried),), voice.says(PLACE, folder=step.arguments["workdir"]))


def no_syntax(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Leaves out a colon or a bracket of a script, so that Python refuses it whole."""
    step = scene.steps[index]
    lines = script_of(step).split("\n")
    places = [n for n, line in enumerate(lines) if HEADS.fullmatch(line) or line.endswith(")")]
    voice.rng.shuffle(places)
    for place in places:
        broken = "\n".join([*lines[:place], lines[place][:-1], *lines[place + 1 :]])
        if not _parses(broken):
            says = voice.says(MENDED[lines[place][-1]])
            return Slip((Play(step.says, "exec", {**step.arguments, "command": f"python3 - <<'EOF'\n{broken}\nEOF"}),), says)
    return None


def wrong_import(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Imports by a wrong name in one of the first lines, before which there is nothing but imports."""
    step = scene.steps[index]
    lines = script_of(step).split("\n")
    first = next((n for n, line in enumerate(lines) if not IMPORT.fullmatch(line)), len(lines))
    fit = [(n, *one[1:]) for n in range(first) for one in IMPORTS if re.match(rf"{one[0]}(?=,|\Z)", lines[n])]
    fit = [one for one in fit if scene.free(one[2]) and scene.free(f"{one[2]}.py")]
    if not fit:
        return None
    place, right, wrong, says = voice.rng.choice(fit)
    line = re.sub(rf"\b{re.escape(right)}\b", wrong, lines[place], count=1)
    text = "\n".join([*lines[:place], line, *lines[place + 1 :]])
    return Slip((Play(step.says, "exec", {**step.arguments, "command": f"python3 - <<'EOF'\n{text}\nEOF"}),), says)


def misquoted(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Edits a line that the file does not have, though it has one much like it."""
    step = scene.steps[index]
    if step.tool != "edit" or len(step.arguments["edits"]) != 1 or not scene.pristine(step.arguments["path"], index):
        return None
    path, edit = step.arguments["path"], step.arguments["edits"][0]
    text = text_of(scene.file(path))
    words = sorted(set(re.findall(r"[A-Za-z_]{5,}", edit["oldText"])))
    if not text or not words:
        return None
    word = voice.rng.choice(words)
    wrong = re.sub(rf"\b{word}\b", voice.rng.choice([word[:-1], word + "s", word[:1].swapcase() + word[1:]]), edit["oldText"], count=1)
    if _letters(wrong) in _letters(text):
        return None
    tried = Play(step.says, "edit", {**step.arguments, "edits": [{**edit, "oldText": wrong}]})
    if voice.rng.random() < 0.5:
        return Slip((tried,), voice.says(MEMORY))
    found = Play(voice.says(FIND_LINE), "exec", {"command": f"grep -n -F -e {word} {shlex.quote(path)}"})
    return Slip((tried, found), voice.says(MEMORY))


def astray(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Writes a file to the top of the workspace, and removes it there."""
    step = scene.steps[index]
    if step.tool != "write" or "/" not in step.arguments["path"]:
        return None
    path = PurePosixPath(step.arguments["path"])
    if not scene.free(path.name):
        return None
    tried = Play(step.says, "write", {**step.arguments, "path": path.name})
    gone = Play(voice.says(ASTRAY, folder=str(path.parent)), "exec", {"command": f"rm -- {shlex.quote(path.name)}"})
    return Slip((tried, gone), voice.says(ANEW))


def wrong_folder(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Makes the folder of a result under a misspelt name, and removes it, before a script that makes the right one."""
    step = scene.steps[index]
    if not re.search(r"\bmakedirs\b", script_of(step)):
        return None
    there = {str(folder) for file in scene.task.workspace for folder in PurePosixPath(file.path).parents} | {"."}
    missing = {_missing(one, there) for one in scene.task.outputs if scene.names(step, one)} - {""}
    if not missing or any(scene.works(one) for one in scene.steps[:index]):
        return None
    folder = voice.rng.choice(sorted(missing))
    wrong = str(PurePosixPath(folder).with_name(misspelt(voice, PurePosixPath(folder).name)))
    if not scene.free(wrong):
        return None
    made = Play(voice.says(MAKE), "exec", {"command": f"mkdir -- {shlex.quote(wrong)}"})
    gone = Play(voice.says(UNMAKE, folder=folder, wrong=wrong), "exec", {"command": f"rmdir -- {shlex.quote(wrong)}"})
    return Slip((made, gone), step.says)


def _missing(path: str, there: set[str]) -> str:
    """The first folder on the way to a path that is not there; empty where all are."""
    return next((str(folder) for folder in reversed(PurePosixPath(path).parents) if str(folder) not in there), "")


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _letters(text: str) -> str:
    """What is left when all that a lenient editor overlooks is gone: blanks, quotes, dashes."""
    return "".join(re.findall(r"\w", text))


KINDS = (typo, no_workdir, no_syntax, wrong_import, misquoted, astray, wrong_folder)
