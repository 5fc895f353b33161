"""Mistakes in looking, and how they are mended: a name misspelt, the wrong one of two copies, a line that is not there.

None of them can change the workspace: each is a call of `read`, or a command that only reads.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from sandbox import looks
from sandbox.plays import Play
from sandbox.scene import Scene, Slip, Voice, misspelt, script_of, suffix, text_of
from specs.records import File

MOST_LINES = 1000
SHOW = ("head", "tail", "cat", "ls", "wc")  # commands that only show
FOLDER = ("I left out the folder: it is `{path}`.", "Not at the top: `{path}`.", "With its folder, then: `{path}`.")
SPELT = ("I misspelt it: the file is `{path}`.", "No such name. It is `{path}`.", "That isn't what it is called; `{path}` is.")
LOOK_UP = ("Then what is it called?", "No such file. What is in `{folder}`?", "Let me see the names in `{folder}`.")
FAR = ("I start further down in `{path}`.", "A look into the middle of `{path}` first.", "`{path}`, from line {line} on.")
SHORTER = ("It is shorter than I thought. From the top, then.", "No such line: a short file. I read it from the start.")
COPY = ("That is another copy. The one I was asked about is `{path}`.", "The wrong one of two alike names; `{path}` is meant.")
PROBE = ("Which values are there under `{wrong}`?", "A few values of `{wrong}` first.", "What do the values of `{wrong}` look like?")
COLUMN = ("The column is called `{column}`. {says}", "It is `{column}`, spelt like that. {says}", "`{column}`, I see. {says}")
POLARS = ("polars would make short work of `{path}`.", "I try polars on `{path}` first.")
PLAIN = ("Without polars, then; the standard library will do. {says}", "No polars here. Plain Python does it as well. {says}")
BLANKS = ("The shell split the name at its blanks; `read` takes it as it is.", "Blanks in the name. With `read` they don't matter.")
SHOWING = {  # how the values of a column are printed
    "csv": "import csv; print(*(r[{column!r}] for r in csv.DictReader(open({path!r}, encoding='utf-8-sig', newline=''))), sep=', ')",
    "json": "import json; print(*(r[{column!r}] for r in json.load(open({path!r}, encoding='utf-8-sig'))), sep=', ')",
    "jsonl": "import json; print(*(json.loads(line)[{column!r}] for line in open({path!r}, encoding='utf-8-sig')), sep=', ')",
}


def wrong_name(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Reads a file under a misspelt name."""
    step = scene.steps[index]
    if step.tool != "read":
        return None
    path = PurePosixPath(step.arguments["path"])
    stems = [misspelt(voice, path.stem), path.stem.translate(str.maketrans("-_", "_-")), path.stem.removesuffix("s") or path.stem]
    free = [wrong for stem in stems if scene.free(wrong := str(path.with_name(stem + path.suffix)))]
    if not free:
        return None
    tried = Play(step.says, "read", {**step.arguments, "path": voice.rng.choice(free)})
    if voice.rng.random() < 0.5:
        return Slip((tried,), voice.says(SPELT, path=str(path)))
    folder = str(path.parent)
    listed = Play(voice.says(LOOK_UP, folder=folder), "exec", {"command": f"ls {shlex.quote(folder)} | head -n {looks.ENOUGH}"})
    return Slip((tried, listed), voice.says(SPELT, path=str(path)))


def wrong_name_shown(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Shows files by a command, one of them under a misspelt name."""
    step = scene.steps[index]
    command = step.arguments.get("command", "") if step.tool == "exec" and not step.arguments.get("workdir") else ""
    if re.search(r"[;<>\n$`]", command) or not all(part.split(" ")[0] in SHOW for part in re.split(r"[&|]+ *", command)):
        return None
    paths = [one for one in scene.task.outputs if scene.names(step, one) and one == shlex.quote(one)]
    if not paths:
        return None
    path = PurePosixPath(voice.rng.choice(paths))
    wrong = str(path.with_name(misspelt(voice, path.stem) + path.suffix))
    if not scene.free(wrong):
        return None
    tried = Play(step.says, "exec", {**step.arguments, "command": command.replace(str(path), wrong)})
    return Slip((tried,), voice.says(SPELT, path=str(path)))


def no_folder(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Reads a file as if it lay at the top."""
    step = scene.steps[index]
    if step.tool != "read" or "/" not in step.arguments["path"]:
        return None
    path = PurePosixPath(step.arguments["path"])
    if not scene.free(path.name):
        return None
    return Slip((Play(step.says, "read", {**step.arguments, "path": path.name}),), voice.says(FOLDER, path=str(path)))


def past_the_end(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Reads from a line that the file does not have."""
    step = scene.steps[index]
    if step.tool != "read" or "offset" in step.arguments or not scene.pristine(step.arguments["path"], index):
        return None
    text = text_of(scene.file(step.arguments["path"]))
    if text.count("\n") < looks.ENOUGH // 4:
        return None
    line = next((n for n in (100, 200, 500, MOST_LINES) if n > 1 + text.count("\n")), 0)
    if not line:
        return None
    says = voice.says(FAR, path=step.arguments["path"], line=str(line))
    return Slip((Play(says, "read", {**step.arguments, "offset": line}),), voice.says(SHORTER))


def other_copy(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Reads a file of nearly the same name, which the solution has no use for."""
    step = scene.steps[index]
    if step.tool != "read":
        return None
    path = PurePosixPath(step.arguments["path"])
    alike = [
        file.path
        for file in scene.files()
        if file.path != str(path) and file.path.endswith(path.suffix) and path.stem in PurePosixPath(file.path).stem and text_of(file)
    ]
    alike = [one for one in alike if not any(scene.names(step, one) for step in scene.steps)]
    if not alike or str(path) not in step.says:
        return None
    wrong = voice.rng.choice(alike)
    return Slip((Play(step.says.replace(str(path), wrong), "read", {**step.arguments, "path": wrong}),), voice.says(COPY, path=str(path)))


def split_name(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Gives the shell a name with blanks, unquoted."""
    step = scene.steps[index]
    path = step.arguments.get("path", "") if step.tool == "read" else ""
    if not re.fullmatch(r"[\w./-]+( [\w./-]+)+", path) or any(part.startswith("-") for part in path.split()):
        return None
    return Slip((Play(step.says, "exec", {"command": f"head -n {looks.ENOUGH // 4} {path}"}),), voice.says(BLANKS))


def wrong_column(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Asks for a column by a misspelt name, before a script that reads the file."""
    found = [file for file in _read_by_script(scene, index) if suffix(file.path) in SHOWING and looks.rows_of(file)]
    if not found:
        return None
    file = voice.rng.choice(found)
    columns = [name for name in looks.rows_of(file)[0] if isinstance(name, str)]
    column = voice.rng.choice(columns or [""])
    wrong = misspelt(voice, column)
    if wrong in ("", *columns):
        return None
    program = SHOWING[suffix(file.path)].format(column=wrong, path=file.path)
    tried = Play(voice.says(PROBE, wrong=wrong), "exec", {"command": looks.python(program)})
    return Slip((tried,), voice.says(COLUMN, column=column, says=scene.steps[index].says))


def no_module(scene: Scene, index: int, voice: Voice) -> Slip | None:
    """Tries a library that boxes do not have, before the first script, which reads the file without it."""
    if any(scene.works(step) for step in scene.steps[:index]):
        return None
    found = [file.path for file in _read_by_script(scene, index) if suffix(file.path) in ("csv", "json")]
    if not found:
        return None
    path = voice.rng.choice(found)
    tried = looks.python(f"import polars as pl; print(pl.read_{suffix(path)}({path!r}).head())")
    says = scene.steps[index].says
    return Slip((Play(voice.says(POLARS, path=path), "exec", {"command": tried}),), voice.says(PLAIN, says=says))


def _read_by_script(scene: Scene, index: int) -> list[File]:
    """The given files that a step's script names, where they are still as given."""
    step = scene.steps[index]
    return [f for f in scene.files() if script_of(step) and scene.names(step, f.path) and scene.pristine(f.path, index)]


KINDS = (wrong_name, wrong_name_shown, no_folder, past_the_end, other_copy, split_name, wrong_column, no_module)
