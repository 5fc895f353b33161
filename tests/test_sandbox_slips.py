"""Looks and mistakes of the scripted teacher, each in a real box: that they do what they should, and leave nothing behind."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from styles_making import blanks, ledger, package, played, sqlite_bytes, xlsx_bytes

from sandbox import looks, misreads, miswrites
from sandbox.plays import Play
from sandbox.scene import Scene, Slip, Voice, misspelt
from sandbox.styles import MISTAKES
from specs.records import File, file_of

WORKING = {misreads.other_copy, miswrites.no_workdir, miswrites.astray, miswrites.wrong_folder}  # perhaps no error, but not what was meant
Kind = Callable[[Scene, int, Voice], Slip | None]


def scenes() -> list[Scene]:
    made = [make() for make in (ledger, package, blanks)]
    return [Scene(task, tuple(step for step in solution.steps if step.tool)) for task, solution in made]


def slips(kind: Kind, draws: int = 12) -> list[tuple[Scene, int, Slip]]:
    """All mistakes of a kind at each step of the small tasks, drawn with several seeds, without repetitions."""
    found = {}
    for scene in scenes():
        for index in range(len(scene.steps)):
            for seed in range(draws):
                slip = kind(scene, index, Voice(random.Random(seed)))
                if slip:
                    found[repr([(p.tool, p.arguments) for p in slip.plays])] = (scene, index, slip)
    return list(found.values())


@pytest.mark.parametrize("kind", MISTAKES, ids=lambda kind: kind.__name__)
def test_a_mistake_is_one_and_leaves_nothing_behind(kind: Kind) -> None:
    tried = slips(kind)
    assert tried, "nowhere in the small tasks"
    for scene, index, slip in tried[:: max(1, len(tried) // 2)]:
        plain = [Play(step.says, step.tool, step.arguments) for step in scene.steps]
        said, left = played(scene.task, [*plain[:index], *slip.plays, *plain[index:]])
        assert left == played(scene.task, plain)[1]
        answer = said[index]
        assert kind in WORKING or answer.startswith("error: ") or "[exit status" in answer or "command not found" in answer, answer
        for mended in said[index + 1 : index + len(slip.plays) + 1]:
            assert not mended.startswith("error: ")


@pytest.mark.parametrize("kind", MISTAKES, ids=lambda kind: kind.__name__)
def test_a_mistake_is_noticed_in_words(kind: Kind) -> None:
    for scene, index, slip in slips(kind):
        assert slip.says or len(slip.plays) > 1
        assert slip.says != scene.steps[index].says or len(slip.plays) > 1
        assert not {p for p in (*slip.plays, Play(slip.says)) if "{" in p.says}


def everything(folder: Path) -> dict[str, bytes | str]:
    rows = [{"ref": f"F{n}", "state": "paid" if n % 2 else "owed"} for n in range(30)]
    table = "".join(f"| {row['ref']} | {row['state']} |\n" for row in rows)
    return {
        "a.csv": "ref,state\n" + "".join(f"{row['ref']},{row['state']}\n" for row in rows),
        "a.tsv": "ref\tstate\nF1\tpaid\n",
        "a.json": json.dumps(rows, indent=1),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "a.yaml": json.dumps(rows),
        "a.toml": "[server]\nport = 80\n",
        "a.ini": "[server]\nport = 80\n",
        "a.xml": "<rows><row><ref>F1</ref></row></rows>",
        "a.html": "<table><tr><td>F1</td></tr></table>\n",
        "a.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
        "a.mbox": "From a@example.org Mon Mar  9 11:59:00 2026\nSubject: paid\n\nHello.\n",
        "a.py": "def one():\n    return 1\n",
        "a.md": "| ref | state |\n|---|---|\n" + table,
        "a.txt": "paid\n" * 30,
        "a.log": "2026-03-09T14:00 paid\n" * 30,
        "a.sqlite": sqlite_bytes(folder),
        "a.xlsx": xlsx_bytes(),
        "sub/b c.txt": "with blanks\n",
    }


def all_looks(files: list[File], voice: Voice) -> list[Play]:
    """Every look there is at these files."""
    said = "What is “paid” as `state`?"
    found: list[Play | None] = [looks.listing(voice, "sub"), looks.only(voice, "sub"), looks.lengths(voice, [f.path for f in files])]
    for file in files:
        found += [looks.size(voice, file), looks.ending(voice, file), looks.rest(voice, file, 13), looks.glance(voice, file)]
        found += [looks.values(voice, file, said), looks.search(voice, file, said), looks.verify(voice, file.path)]
    return [play for play in found if play]


def test_looks_fit_every_kind_of_file_and_change_nothing(tmp_path: Path) -> None:
    task = making.task(everything(tmp_path))
    plays = all_looks(list(task.workspace), Voice(random.Random(1)))
    said, left = played(task, plays)
    assert len(plays) > 60
    assert [
        (play, answer) for play, answer in zip(plays, said, strict=True) if answer.startswith("error: ") or "[exit status" in answer
    ] == []
    assert left == ()


def test_packed_files_are_not_read_as_text(tmp_path: Path) -> None:
    files = [file_of(path, content) for path, content in everything(tmp_path).items() if isinstance(content, bytes)]
    assert {file.path for file in files} == {"a.sqlite", "a.xlsx"}
    assert {play.tool for play in all_looks(files, Voice(random.Random(1)))} == {"exec"}


HOSTILE = [
    "it's.csv",
    'say "x".json',
    "$(touch pwned).md",
    "`touch pwned`.jsonl",
    "a; touch pwned.txt",
    "-rf.log",
    "x\ny.yaml",
    "EOF\n.xml",
    "{path}.csv",
    "a&b|c>d.ics",
]


def test_no_name_of_a_file_is_a_command() -> None:
    content = json.dumps([{"state": "paid"}, {"state": "owed"}] * 20, indent=1)
    task = making.task({**dict.fromkeys(HOSTILE, content), "sub/x": "x"})
    assert played(task, all_looks(list(task.workspace), Voice(random.Random(1))))[1] == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_file_makes_a_mistake_worse(name: str) -> None:
    rows = json.dumps([{"state": "paid"}, {"state": "owed"}] * 20, indent=1) + "\n"
    script = f"python3 - <<'EOF'\nimport csv, os\n\nos.makedirs('out', exist_ok=True)\nprint({name!r}, 'out/x')\nEOF"
    task = making.task({f"in/{name}": rows, f"in/old/{name}": rows}, outputs=(f"out/{name}",))
    steps = [
        ("read", {"path": f"in/{name}"}, f"`in/{name}`."),
        ("exec", {"command": script}, "A script."),
        ("write", {"path": f"out/{name}", "content": "x\n"}, "The result."),
        ("edit", {"path": f"in/{name}", "edits": [{"oldText": rows, "newText": "x\n"}]}, "An edit."),
    ]
    scene = Scene(task, making.solution(steps).steps)
    plain = [Play(step.says, step.tool, step.arguments) for step in scene.steps]
    plays: list[Play] = []
    for index, play in enumerate(plain):
        found = [kind(scene, index, Voice(random.Random(seed))) for kind in MISTAKES for seed in range(2)]
        plays += [p for slip in found if slip for p in slip.plays] + [play]
    assert played(task, plays)[1] == played(task, plain)[1]


@given(st.text(st.characters(codec="ascii", categories=["L"]), max_size=12), st.integers())
@settings(max_examples=200, deadline=None)
def test_what_is_misspelt_begins_as_it_should_and_is_almost_it(word: str, seed: int) -> None:
    wrong = misspelt(Voice(random.Random(seed)), word)
    assert wrong[:1] == word[:1]
    assert abs(len(wrong) - len(word)) <= 1
    assert wrong == word if len(set(word[1:-1])) < 2 else wrong


def test_no_line_is_said_twice_while_there_are_others() -> None:
    voice = Voice(random.Random(1))
    lines = ("one {n}", "two {n}", "three {n}")
    assert sorted(voice.says(lines, n="x") for _ in lines) == ["one x", "three x", "two x"]
    assert voice.says(lines, n="x") in ("one x", "two x", "three x")


SCRIPT: dict[str, Any] = {"command": "python3 - <<'EOF'\nimport os\nos.remove('a.txt')\nimport csv\nEOF"}


def test_an_import_behind_something_that_acts_is_left_alone() -> None:
    scene = Scene(making.task({"a.txt": "x"}), making.solution([("exec", SCRIPT, "")]).steps)
    assert not any(miswrites.wrong_import(scene, 0, Voice(random.Random(seed))) for seed in range(20))


@pytest.mark.parametrize(
    "command", ["head -n 1 a.txt; rm a.txt", "head -n 1 $(rm a.txt)", "find . | xargs rm", "head a.txt > b.txt", "head a.txt || rm a.txt"]
)
def test_a_line_of_which_more_could_run_is_not_mistyped(command: str) -> None:
    scene = Scene(making.task({"a.txt": "x"}), making.solution([("exec", {"command": command}, "")]).steps)
    assert not any(kind(scene, 0, Voice(random.Random(seed))) for kind in MISTAKES for seed in range(5))


def test_a_line_that_may_have_changed_is_not_misquoted() -> None:
    edit = {"path": "a.txt", "edits": [{"oldText": "something here", "newText": "x"}]}
    steps = [("exec", {"command": "sed -i s/something/somethin/ a.txt"}, ""), ("edit", edit, "")]
    scene = Scene(making.task({"a.txt": "something here\n"}), making.solution(steps).steps)
    assert not any(miswrites.misquoted(scene, 1, Voice(random.Random(seed))) for seed in range(20))
