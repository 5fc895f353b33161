"""The solution as an agent would play it: look around, read, one script an operation, check, and say what was done."""

from __future__ import annotations

import random
import shlex
from collections.abc import Sequence
from typing import Any

from generators import artifacts, operate, scripts
from generators.chain import Step, bindings
from generators.naming import Asked
from generators.relations import Relation
from generators.renderers import FOLDERS, SITE
from generators.scripts import Source
from generators.views import Binding
from generators.words import joined
from generators.workspace import Written
from specs.records import Step as Turn

LOOK = ("Let me see what is here.", "First a look at the files.", "I'll start by listing the folder.", "What do we have?")
READ = ("Now the start of {}.", "A look into {}.", "I'll read {} before I touch anything.", "{} next.")
FIRST = (
    "On to the work. `{path}`: {about}.",
    "Now for `{path}`: {about}.",
    "A short script for `{path}`: {about}.",
    "Now to `{path}`: {about}.",
)
NEXT = ("Next comes `{path}`: {about}.", "Then `{path}`: {about}.", "Another script, for `{path}`: {about}.", "On to `{path}`: {about}.")
CHECK = ("Let me check the result.", "A last look at what was written.", "I'll verify the output.")
DONE = ("Done. What you asked for is in {}.", "All finished: see {}.", "That's it; you'll find everything in {}.", "Done: {}.")
LINES = 12
FETCH = "python3 -c \"import urllib.request as u; print(u.urlopen('{}').read().decode()[:3000])\""
PEEKS = {
    "sqlite": """import sqlite3
db = sqlite3.connect({path!r})
for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
    print(sql, *db.execute(f'SELECT * FROM "{{name}}" LIMIT {lines}'), sep="\\n")
""",
    "xlsx": """import openpyxl
for sheet in openpyxl.load_workbook({path!r}):
    print(sheet.title, *sheet.iter_rows(max_row={lines}, values_only=True), sep="\\n")
""",
}


def play(asked: Sequence[Asked], bases: dict[str, Relation], answers: Sequence[Relation], written: Written, seed: str) -> tuple[Turn, ...]:
    """The turns of the solution; the last is the closing answer."""
    rng = random.Random(f"{seed}/play")
    turns = [Turn("exec", {"command": "find . -type f -not -path './.skills/*' | sort | head -n 60"}, rng.choice(LOOK))]
    turns += _reading(asked, written, rng)
    for number, one in enumerate(asked):
        if one.step.operation.packaged:
            turns += PACKAGE_TURNS[one.artifact.kind](one, rng)
        else:
            turns.append(_working(number, asked, bases, answers, written, rng))
    paths = [artifacts.outputs(a.artifact, a.answer)[0] for a in asked]
    turns.append(Turn("exec", {"command": _show(asked)}, rng.choice(CHECK)))
    turns.append(Turn("", {}, rng.choice(DONE).format(joined([f"`{p}`" for p in dict.fromkeys(paths)]))))
    return tuple(turns)


def _reading(asked: Sequence[Asked], written: Written, rng: random.Random) -> list[Turn]:
    """The beginning of each input, once."""
    turns = []
    seen: set[str] = set()
    for one in asked:
        if one.step.operation.packaged:
            continue
        for source in one.step.inputs.values():
            if source.step >= 0 or source.base in seen:
                continue
            seen.add(source.base)
            turns.append(_look(written.sources[source.base], written, rng))
    return turns


def _look(place: Source, written: Written, rng: random.Random) -> Turn:
    """The beginning of a file, of the first file of a folder, of a site's first page, or of the rows of a binary one."""
    path = place.path
    if place.form in FOLDERS:
        path = min(p for p in written.files if p.startswith(place.path + "/"))
    says = rng.choice(READ).format(f"`{path}`")
    if place.form == SITE:
        return Turn("exec", {"command": FETCH.format(path)}, says)
    if place.form in PEEKS:
        return Turn("exec", {"command": f"python3 - <<'EOF'\n{PEEKS[place.form].format(path=path, lines=LINES)}EOF"}, says)
    return Turn("read", {"path": path, "limit": LINES}, says)


def _working(
    number: int, asked: Sequence[Asked], bases: dict[str, Relation], answers: Sequence[Relation], written: Written, rng: random.Random
) -> Turn:
    one = asked[number]
    bound = bindings(one.step, bases, answers)
    inputs = {name: (binding, _source(one.step, name, asked, written)) for name, binding in bound.items()}
    text = scripts.script(
        inputs, script_params(one.step, bound), one.step.operation.solution, artifacts.of(one.artifact).writing(one.artifact, one.answer)
    )
    earlier = any(not a.step.operation.packaged for a in asked[:number])
    says = rng.choice(NEXT if earlier else FIRST).format(path=one.artifact.path, about=one.step.operation.spec["about"])
    return Turn("exec", {"command": f"python3 - <<'EOF'\n{text}EOF"}, says)


def script_params(step: Step, bound: dict[str, Binding]) -> dict[str, Any]:
    """What a solution's fragment can name beside its inputs."""
    params = {**step.params, **operate.auto_params(bound)}
    for binding in bound.values():
        if binding.relation.same:
            view = dict(zip((c.name for c in binding.relation.columns), binding.view, strict=True))
            params.setdefault("same", [view[n] for n in binding.relation.same])
    return params


def _source(step: Step, name: str, asked: Sequence[Asked], written: Written) -> Source:
    source = step.inputs[name]
    if source.step < 0:
        return written.sources[source.base]
    earlier = asked[source.step].artifact
    return Source(earlier.path, earlier.form, {})


def _mending(one: Asked, rng: random.Random) -> list[Turn]:
    """Read the contract, the module and the test, see it fail, mend the line or write what is missing, see it pass."""
    d = one.artifact.details
    old, new = _edit(d["faulty"], d["right"])
    test = {"command": "python3 -m unittest -q", "workdir": one.artifact.path}
    return [
        Turn(
            "exec",
            {"command": "cat README.md && python3 -m unittest -q", "workdir": one.artifact.path},
            "What should it do, and what does the test say?",
        ),
        Turn("read", {"path": d["module"]}, "Now the module itself."),
        Turn(
            "edit",
            {"path": d["module"], "edits": [{"oldText": old, "newText": new}]},
            "Found it; this is the faulty place." if d["fault"] else "Now I write what is missing.",
        ),
        Turn("exec", test, rng.choice(("And the test again.", "Does it pass now?", "Running the test once more."))),
    ]


def _testing(one: Asked, rng: random.Random) -> list[Turn]:
    """Read the contract and the module, write the tests, see them pass."""
    d = one.artifact.details
    run = {"command": "python3 -m unittest -q", "workdir": one.artifact.path}
    return [
        Turn("exec", {"command": "ls && cat README.md", "workdir": one.artifact.path}, "First what the package promises."),
        Turn("read", {"path": d["module"]}, "Now the module itself."),
        Turn("write", {"path": d["path"], "content": d["tests"]}, "A test for each promise, on rows small enough to add up by hand."),
        Turn("exec", run, rng.choice(("Do they pass on the module as it is?", "Now I run them.", "All of it should be green."))),
    ]


PACKAGE_TURNS = {"code": _mending, "tests": _testing}


def _edit(old: str, new: str) -> tuple[str, str]:
    """The smallest run of whole lines in which the texts differ, widened until it occurs once."""
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    start = next(i for i, pair in enumerate(zip([*a, ""], [*b, ""], strict=False)) if pair[0] != pair[1])
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    while True:
        before, after = "".join(a[start : len(a) - end]), "".join(b[start : len(b) - end])
        if before and old.count(before) == 1:
            return before, after
        start, end = max(0, start - 1), max(0, end - 1)


def _show(asked: Sequence[Asked]) -> str:
    """A command that shows the beginning of each result."""
    parts = []
    for one in asked:
        path = shlex.quote(one.artifact.path)
        if one.artifact.kind == "files":
            parts.append(f"find {path} -type f | sort | head -n {LINES}")
        elif one.step.operation.packaged:
            parts.append(f"ls {path}")
        else:
            parts.append(f"head -n {LINES // 2} {path}")
    return " && ".join(dict.fromkeys(parts))
