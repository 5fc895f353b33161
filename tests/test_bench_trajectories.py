"""Pages of single rollouts: what was asked, done and left, as text that nothing in a rollout can turn into anything else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import bench_making as made
import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bench_report import HOSTILE, Seen

from bench import differences, played, trajectories
from bench.played import Played
from specs import digests, layout, shards
from specs.errors import UserError
from specs.records import Change, CheckScore, Failure, Rollout, Verifier, change_of, deletion

GIVEN = {"notes.txt": "one\ntwo\nthree\n", "old.csv": "a,b\n1,2\n", "photo.bin": b"\xff\xd8\x00binary"}


def identity(name: str) -> str:
    return digests.digest(name)


def calling(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"role": "assistant", "content": "I do it.", "tool_calls": [call]}


def one(messages: Any = None, changes: tuple[Change, ...] = (), score: float = 1.0, **fields: Any) -> Played:
    """A graded rollout of a small task."""
    task = making.task(GIVEN, "Put the notes in order.", split="bench")
    verifier = making.verifier([{"kind": "table", "params": {}, "id": "rows", "demand": "ledger.total", "weight": 3}])
    rollout = made.rollout(task, identity=identity("r"), messages=messages, changes=changes, **fields)
    judged = made.verdict(rollout, score, [CheckScore("rows", "table", score, "two rows are missing")], verifier_digest=verifier.digest)
    return Played(rollout, made.attempt(rollout, judged), task, verifier)


def seen(of: Played) -> str:
    return Seen(trajectories.page(of)).text


def difference(change: Change, given: dict[str, bytes | str] | None = None) -> differences.Difference:
    (found,) = differences.left(making.task(given or GIVEN).workspace, [change], 1000).files
    return found


def test_a_page_shows_what_was_asked_given_said_called_answered_and_judged() -> None:
    messages = [
        {"role": "system", "content": "You are an assistant."},
        {"role": "user", "content": "Put the notes in order."},
        calling("edit", {"path": "notes.txt", "edits": [{"oldText": "two", "newText": "zwei"}]}),
        {"role": "tool", "tool_call_id": "c", "content": "made 1 replacement"},
        {"role": "assistant", "content": "All done."},
    ]
    text = seen(one(messages, (change_of("notes.txt", b"one\nzwei\nthree\n"),), 0.5))
    for said in ("Put the notes in order.", "You are an assistant.", "I do it.", "zwei", "made 1 replacement", "All done.", "old.csv"):
        assert said in text
    for said in ("0.500", "rows", "ledger.total", "two rows are missing", f"make trace ID={identity('r')[:12]}"):
        assert said in text


def test_the_record_names_everything_a_rollout_depends_on() -> None:
    of = one(harness={"name": "openclaw", "version": "2026.9.6", "box": "docker"}, policy={"name": "x", "digest": "w" * 64})
    text = seen(of)
    assert of.attempt.verdict
    for said in (of.rollout.id, of.rollout.task_digest, "openclaw 2026.9.6", "docker", "w" * 64, of.attempt.verdict.id):
        assert said in text


def test_a_changed_text_is_compared_line_by_line() -> None:
    found = difference(change_of("notes.txt", b"one\nzwei\nthree\n"))
    assert (found.state, found.was, found.now) == ("changed", 14, 15)
    assert [(line.kind, line.text) for line in found.lines] == [
        ("place", "@@ -1,3 +1,3 @@"),
        ("same", "one"),
        ("old", "two"),
        ("new", "zwei"),
        ("same", "three"),
    ]


texts = st.lists(st.sampled_from(["a", "b", "c", "", "d\r"]), max_size=60).map("\n".join)


@given(texts, texts, st.sampled_from([0, 50, 10**6]))
@settings(max_examples=300)
def test_old_and_new_can_be_read_off_a_comparison(old: str, new: str, pairs: int) -> None:
    """Whatever the comparing may cost: putting the new lines for the old ones at their places makes the new text of the old one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(differences, "MOST_PAIRS", pairs)
        lines = difference(change_of("f", new.encode()), {"f": old}).lines
    result, source = [], old.split("\n")
    taken = 0
    for n, line in enumerate(lines):
        ends = "" if n + 1 < len(lines) and lines[n + 1].text == differences.NO_END else "\n"
        if line.kind == "place":
            start, length = re.fullmatch(r"@@ -(\d+),(\d+) \+\d+,\d+ @@", line.text).groups()  # type: ignore[union-attr]
            assert int(start) - 1 >= taken
            result += [f"{text}\n" for text in source[taken : int(start) - 1]]
            taken = int(start) - 1 + int(length)
        elif line.kind in ("same", "new"):
            result.append(line.text + ends)
    rest = "\n".join(source[taken:])
    assert "".join(result) + rest == new or (not lines and old == new)


def test_a_missing_line_end_makes_a_difference() -> None:
    found = difference(change_of("notes.txt", b"one\ntwo\nthree"))
    assert [line.kind for line in found.lines] == ["place", "same", "same", "old", "new", "note"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (Change("big.log", "file", 0o644, 9_000_000, "d", None), "too large: its content was not kept"),
        (change_of("notes.txt", b"caf\xe9"), "not text"),
        (change_of("photo.bin", b"text now"), "not text"),
        (change_of("new.bin", b"a\0b"), "not text"),
        (change_of("empty", b""), "empty"),
        (change_of("notes.txt", b"one\ntwo\nthree\n", 0o755), "mode 644, now 755"),
        (change_of("notes.txt", b"x\n" * 300_000), "too long to compare: as it is now"),
    ],
)
def test_what_can_not_be_compared_says_why(change: Change, note: str) -> None:
    found = difference(change)
    assert found.note == note
    assert found.now == change.size


def test_a_file_that_was_moved_is_one_difference() -> None:
    found = differences.left(making.task(GIVEN).workspace, [deletion("old.csv"), change_of("done/old.csv", b"a,b\n1,2\n")], 100)
    assert [(d.path, d.state, d.note) for d in found.files] == [("done/old.csv", "moved", "from old.csv")]


def test_a_removed_file_a_folder_and_a_link_are_told_apart() -> None:
    link = Change("link", "symlink", 0o777, 11, "d", b"/etc/passwd")
    folder, fifo = Change("out", "directory", 0o755, 0, "", None), Change("pipe", "other", 0o644, 0, "", None)
    found = differences.left(making.task(GIVEN).workspace, [link, deletion("old.csv"), folder, fifo], 100)
    assert [(d.path, d.state, d.was, d.now) for d in found.files] == [("old.csv", "removed", 8, None)]
    assert found.others == (("link", "link to /etc/passwd"), ("out", "folder"), ("pipe", "neither file nor folder"))


def test_many_changes_are_named_and_counted() -> None:
    changes = [change_of(f"f{n:05}", b"x") for n in range(1500)]
    found = differences.left((), changes, 100)
    shown = [d for d in found.files if d.text]
    assert (len(shown), len(found.files)) == (differences.MOST_WITH_CONTENT, differences.MOST_NAMED)
    assert len(found.files) + len(found.others) + found.lost == 1500


def whole(text: str) -> Played:
    """A rollout that says `text` wherever anything can be said."""
    content = text.replace("\0", "").encode()  # with a zero byte it would be no text
    task = making.task({text: content}, instruction=text, outputs=[text], split="bench", persona=text, scenario=text, operations=(text,))
    messages = [
        {"role": "system", "content": text},
        calling(text, {text: text, "command": text, "edits": [{"oldText": text, "newText": text}]}),
        {"role": "tool", "tool_call_id": "c", "content": text},
        {"role": text, "content": text},
    ]
    changes = (
        change_of(text, content + b"\nmore"),
        change_of(f"new {text}", content),
        Change(f"l{text}", "symlink", 0o777, 3, "d", text.encode()),
    )
    fields = {"harness": {"name": text, text: text}, "policy": {text: [text]}, "limit": text, "status": "limit"}
    rollout = made.rollout(task, identity=identity("r"), messages=messages, changes=changes, **fields)
    judged = made.verdict(rollout, 0.5, [CheckScore(text, text, 0.5, text)])
    return Played(rollout, made.attempt(rollout, judged), task, None)


def harmless(text: str) -> str:
    return "".join(c if c.isalnum() or c in "\n " else "a" for c in text)


def test_hostile_text_makes_the_same_elements_as_harmless_text() -> None:
    def elements(html: str) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in Seen(html).tags]

    assert elements(trajectories.page(whole(HOSTILE))) == elements(trajectories.page(whole(harmless(HOSTILE))))


def test_hostile_text_is_there_to_be_read_and_nothing_in_it_is_unseen() -> None:
    html = trajectories.page(whole(HOSTILE + "\u200b\ufeff\U000e0041"))
    text = Seen(html).text
    assert "<img src=x onerror=alert(2)>" in text and "{{ 7*7 }}" in text
    for unseen in "\x1b\u202e\x00\u200b\ufeff\U000e0041":
        assert unseen not in html
    assert "⟨U+202E⟩" in text and "⟨U+E0041⟩" in text


def digest_of_script(html: str) -> str:
    script = html.partition("<script>")[2].partition("</script>")[0]
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@pytest.mark.parametrize("page", ["rollout", "list"])
def test_only_our_script_runs_and_nothing_is_loaded(page: str) -> None:
    of = whole(HOSTILE)
    source = played.Source("teacher", "bench", Path("r"), Path("v"))
    html = trajectories.page(of) if page == "rollout" else trajectories.index(source, [trajectories.row(of)])
    tags = Seen(html).tags
    assert [tag for tag, _ in tags].count("script") == (page == "list")
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name in ("src", "action", "background")]
    assert not {tag for tag, _ in tags} & {"link", "img", "iframe", "object", "embed", "base", "video", "audio", "source"}
    assert all(re.fullmatch(r"#[a-z]+|index\.html|[0-9a-f]{64}\.html", str(a["href"])) for tag, a in tags if tag == "a")
    policy = next(str(a["content"]) for tag, a in tags if tag == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    assert re.findall("script-src ('[^']*')", policy) == ([f"'sha256-{digest_of_script(html)}'"] if page == "list" else [])


def test_a_megabyte_of_result_is_bounded_and_what_is_left_out_is_counted() -> None:
    of = one([calling("exec", {"command": "yes"}), {"role": "tool", "tool_call_id": "c", "content": "y" * 1_000_000}])
    html = trajectories.page(of)
    assert len(html.encode()) < 100_000
    assert "988,000 further characters are in the rollout only" in html


def test_a_page_stays_below_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    of = one([calling("exec", {"command": "y" * 9_000}) for _ in range(100)])
    monkeypatch.setattr(trajectories, "MAX_BYTES", 200_000)
    assert len(trajectories.page(of).encode()) <= 200_000


def test_a_task_that_has_changed_since_is_not_compared_with() -> None:
    of = one(changes=(change_of("notes.txt", b"one\n"),))
    page = Seen(trajectories.page(Played(of.rollout, of.attempt, None, None)))
    assert "as if nothing had been given" in page.text
    assert [a["class"] for tag, a in page.tags if tag == "article"] == ["difference added"]


def test_an_error_says_at_which_boundary_and_counts_in_no_score() -> None:
    broken = one(status="error", error=Failure("endpoint", "HTTP 500: out of luck"))
    text = seen(broken)
    assert "endpoint: it counts in no score" in text and "HTTP 500: out of luck" in text
    assert trajectories.row(broken).ending == "error: endpoint"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three rollouts of two tasks: solved, at a limit, failed; the last without a verdict."""
    monkeypatch.chdir(tmp_path)
    tasks = [making.task(GIVEN, f"Do thing {n}.", identity=f"{n}a2b3c4d5e6f", split="bench", category=c) for n, c in ((1, "Z"), (2, "A"))]
    runs = [
        made.rollout(tasks[0], identity=identity("one"), changes=(change_of("../../escape", b"x"),)),
        made.rollout(tasks[1], identity=identity("two"), status="limit", limit="steps"),
        made.rollout(tasks[1], identity=identity("three"), attempt=1, status="error", error=Failure("box", "gone")),
    ]
    verifiers = [making.verifier([{"kind": "table", "params": {}}], t.id) for t in tasks]
    made.keep(tasks, runs, [made.verdict(runs[0], verifier_digest=verifiers[0].digest), made.verdict(runs[1], 0.25)])
    shards.write(layout.VERIFIERS, Verifier, [("bench", v) for v in verifiers])
    return tmp_path


def pages(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.html"))


def test_every_rollout_has_a_page_and_a_row(project: Path) -> None:
    assert trajectories.main(["--agent", "teacher"]) == 0
    to = "reports/trajectories/teacher-bench"
    assert pages(project) == sorted([f"{to}/index.html", *(f"{to}/{identity(n)}.html" for n in ("one", "two", "three"))])
    listed = Seen((project / to / "index.html").read_text())
    links = [a["href"] for tag, a in listed.tags if tag == "a"]
    assert links == [f"{identity(n)}.html" for n in ("two", "three", "one")]  # by category, task, attempt
    for said in ("limit: steps", "error: box", "completed"):
        assert said in listed.text


def test_pages_lead_to_their_neighbours(project: Path) -> None:
    trajectories.main(["--agent", "teacher"])
    tags = Seen((project / f"reports/trajectories/teacher-bench/{identity('three')}.html").read_text()).tags
    assert {a["rel"]: a["href"] for tag, a in tags if tag == "a" and "rel" in a} == {
        "prev": f"{identity('two')}.html",
        "next": f"{identity('one')}.html",
    }


def test_pages_of_rollouts_that_are_gone_go_too(project: Path) -> None:
    old = project / "reports/trajectories/teacher-bench/old.html"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    trajectories.main(["--agent", "teacher"])
    assert not old.exists()


@pytest.mark.parametrize(("begins", "names"), [(identity("one")[:10], ["one"]), ("2a2b", ["two", "three"])])
def test_one_rollout_or_task_can_be_asked_for(project: Path, begins: str, names: list[str]) -> None:
    assert trajectories.main(["--agent", "teacher", "--id", begins]) == 0
    assert pages(project) == sorted(f"reports/trajectories/teacher-bench/{identity(n)}.html" for n in names)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--agent", "nobody"], "there are teacher-bench"),
        (["--agent", "../teacher"], "no agent's name"),
        (["--agent", "teacher", "--split", "test"], "is not one of train, bench"),
        (["--agent", "teacher", "--id", "ffff"], "begins with 'ffff'"),
        (["--agent", "teacher", "--id", ""], "begins with ''"),
    ],
)
def test_what_is_not_there_is_a_users_mistake(project: Path, argv: list[str], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        trajectories.main(argv)


def test_an_id_that_is_no_digest_names_no_file(project: Path) -> None:
    task = making.task({}, split="bench")
    shards.write(layout.rollouts("teacher", "bench"), Rollout, [("bench", made.rollout(task, identity="../../../tmp/x"))])
    with pytest.raises(UserError, match="is no digest"):
        trajectories.main(["--agent", "teacher"])
    assert pages(project) == []


def test_a_run_of_another_model_has_pages_too(project: Path) -> None:
    task = making.task({}, split="bench")
    run = made.rollout(task, "some-model", identity("run"))
    shards.write(layout.RUNS / "some-model/rollouts", Rollout, [("bench", run)])
    assert trajectories.main(["--agent", "some-model"]) == 0
    assert f"reports/trajectories/some-model-bench/{run.id}.html" in pages(project)
    assert "no verdict" in (project / f"reports/trajectories/some-model-bench/{run.id}.html").read_text()
