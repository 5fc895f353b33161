"""The pull request's page: what an edit does to the tasks, at the cost of what changed, and nothing in a spec breaks out of its fence."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tinyspecs
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench import diff, edits, markdown, revisions, sides
from generators import compile
from specs.errors import UserError
from specs.store import Store

SCENARIO = "specs/scenarios/market-day.yaml"
OPERATIONS = "skills/counting/operations.yaml"
ONCE = "SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY sameness ORDER BY key) = 1"
SOLUTIONS = {
    "once": "result, seen = [], set()\nfor r in sorted(rows, key=lambda r: r['key']):\n    k = tuple(str(r[c]) for c in same)\n"
    "    if k not in seen:\n        seen.add(k)\n        result.append(r)\n",
    "total": "sums = {}\nfor r in rows:\n    if r['measure'] is not None:\n        sums[r['group']] = sums.get(r['group'], 0) + r['measure']\n"
    "result = [{'group': g, 'total': t} for g, t in sorted(sums.items(), key=lambda p: (-p[1], p[0]))][:n]\n",
}
HOSTILE = "``` \n</details><script>alert(1)</script> @everyone #1 ![x](https://example.org/x.png) | ````` \u202e\x07 <!-- [a]: b\n~~~\n"


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], check=True, capture_output=True)


def commit(what: str) -> None:
    git("add", "--all", "personas", "skills", "specs", "verifiers", "params.yaml")
    git("commit", "--quiet", "--message", what)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one thing each but for two stories, and fifteen tasks, all compiled."""
    root = tmp_path_factory.mktemp("made")
    tinyspecs.tree(root)
    tinyspecs.replace(root, "params.yaml", "scale: 1.0 ", "scale: 3.0 ")
    for name, text in SOLUTIONS.items():
        (root / f"skills/counting/solutions/{name}.py").write_text(text)
    second = (
        (tinyspecs.SCENARIO + "split: train\n").replace("market-day", "stock-taking").replace("The market is tomorrow", "The year ends")
    )
    (root / "specs/scenarios/stock-taking.yaml").write_text(second)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        git("init", "--quiet")
        commit("specs")
        sides.sketches(sides.side(Path()), sides.side(Path()).plans, 1)
    return root


@pytest.fixture
def repo(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, with its store, to edit."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(audited: bool = False) -> str:
    """The page about the working tree against HEAD."""
    return diff.diff(revisions.commit_of("HEAD"), 1, audited, Store())[0]


def compared() -> edits.Edit:
    with revisions.laid_out("HEAD") as root:
        assert root
        return edits.compare(sides.side(root), sides.side(Path()), 1)


def row(text: str, name: str) -> list[int]:
    """The figures of the table row that begins with the name."""
    line = next(line for line in text.splitlines() if line.startswith("| ") and name in line.split(" | ")[0])
    return [int(cell) for cell in line.strip(" |").split(" | ")[1:]]


def test_nothing_edited_compiles_nothing_and_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile, "build", None)
    assert "No entry was edited. Nothing was compiled." in page()


def test_an_entry_that_no_task_uses_compiles_nothing(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile, "build", None)
    (repo / "specs/domains/attic.yaml").write_text(tinyspecs.DOMAIN.replace("name: till", "name: attic"))
    text = page()
    assert "No task depends on what was edited" in text and "| `specs/domains/attic.yaml` | new |" in text


def test_an_edited_saying_changes_exactly_the_tasks_that_say_it(repo: Path) -> None:
    old = "the {{ n|words }} largest {{ measure }} totals"
    tinyspecs.replace(repo, OPERATIONS, f'{{say: ["{old}"]', f'{{say: ["{old}", "only the {{{{ n|words }}}} top {{{{ measure }}}} sums"]')
    commit("two sayings")
    tinyspecs.replace(repo, OPERATIONS, "only the {{ n|words }} top", "no more than the {{ n|words }} top")
    edit, store = compared(), Store()
    said = {i for i, sketch in edit.before.items() if "only the" in edits.instruction(store, sketch).lower()}
    assert set(edit.kinds) == said and set(edit.kinds.values()) == {"changed"}
    assert edit.same and edit.same == set(edit.before) - said
    text = page()
    assert row(text, "operations.yaml total") == [0, len(said), 0, len(edit.same)]
    assert f"Of the changed tasks, what is another: instruction {len(said)}." in text
    assert re.search(r"^-.*nly the \w+ top", text, re.MULTILINE) and re.search(r"^\+.*o more than the \w+ top", text, re.MULTILINE)


def test_an_added_persona_takes_only_what_becomes_its_own(repo: Path) -> None:
    (repo / "personas/baker.yaml").write_text(tinyspecs.PERSONA.replace("grocer", "baker").replace("Ada", "Bo"))
    edit = compared()
    assert set(edit.kinds.values()) == {"changed"} and not edit.same
    assert {edit.head.plans[i].persona for i in edit.kinds} == {"baker"}
    assert row(page(), "personas/baker.yaml") == [0, len(edit.kinds), 0, 0]


def test_a_removed_scenario_removes_its_tasks(repo: Path) -> None:
    (repo / "specs/scenarios/stock-taking.yaml").unlink()
    edit = compared()
    assert sum(kind == "removed" for kind in edit.kinds.values()) == 6
    assert all(edit.base.plans[i].scenario == "stock-taking" for i in edit.kinds)
    text = page()
    assert row(text, "Analysis & Reasoning")[2] == 6 and row(text, "stock-taking.yaml")[2] == 6
    assert "of 9 planned (15 before)" in text


def test_a_raised_quota_adds_tasks_and_leaves_the_others(repo: Path) -> None:
    tinyspecs.replace(repo, SCENARIO, "tasks: 2", "tasks: 3")
    edit = compared()
    assert list(edit.kinds.values()) == ["added"] * 3 and len(edit.same) >= 6
    text = page()
    assert row(text, "market-day.yaml") == [3, 0, 0, len(edit.same)]
    shown = [t for s in edit.after.values() if edit.kinds.get(s.id) == "added" and (t := edits.instruction(Store(), s)).strip() in text]
    assert len(shown) == 2


def fewer(repo: Path) -> None:
    """Six tasks are left."""
    tinyspecs.replace(repo, SCENARIO, "tasks: 2", "tasks: 1")
    tinyspecs.replace(repo, "specs/scenarios/stock-taking.yaml", "tasks: 2", "tasks: 0")
    commit("fewer")


def test_a_rejected_task_is_told_with_its_reason(repo: Path) -> None:
    fewer(repo)
    tinyspecs.replace(repo, OPERATIONS, "mutant: {sql: SELECT * FROM rows}", f"mutant: {{sql: {ONCE}}}")
    text, failing = diff.diff(revisions.commit_of("HEAD"), 1, False, Store())
    assert "0 before, 6 after" in text and row(text, "counting.once: the demand 'input' makes no difference") == [0, 6]
    assert failing and "**This would fail the build**" in text


def test_scorecards_show_a_solution_that_fails_now(repo: Path) -> None:
    fewer(repo)
    tinyspecs.replace(repo, "skills/counting/solutions/total.py", "-p[1]", "p[1]")
    text, failing = diff.diff(revisions.commit_of("HEAD"), 1, True, Store())
    tasks, solutions = row(text, "tasks audited"), row(text, "solutions that fail")
    assert tasks[0] == tasks[1] > 0 and solutions == [0, tasks[1]] and row(text, "mutants tried")[0] > 0
    assert row(text, "rejected") == [0, tasks[1]] and failing
    assert "what is another: solution" in text


def test_specs_that_do_not_validate_are_told_by_their_place(repo: Path) -> None:
    tinyspecs.replace(repo, SCENARIO, "domain: till", "domain: tell")
    with pytest.raises(UserError, match=r"market-day.yaml:\d+:\d+: domain"):
        page()


def test_a_base_that_does_not_validate_is_told_in_the_page(repo: Path) -> None:
    tinyspecs.replace(repo, SCENARIO, "domain: till", "domain: tell")
    commit("broken")
    tinyspecs.replace(repo, SCENARIO, "domain: tell", "domain: till")
    text = page()
    assert "there is nothing to compare with" in text and "market-day.yaml" in text


def test_code_that_changes_too_is_told(repo: Path) -> None:
    (repo / "generators").mkdir()
    (repo / "generators/new.py").write_text("x = 1\n")
    head = revisions.commit_of("HEAD")
    assert any("generators/new.py" in note and "Code changes too" in note for note in diff.notes_of("HEAD", head, head))


def test_what_others_did_since_the_fork_is_not_this_edit(repo: Path) -> None:
    git("checkout", "--quiet", "-b", "edit")
    git("checkout", "--quiet", "-b", "elsewhere")
    (repo / "specs/scenarios/stock-taking.yaml").unlink()
    commit("theirs")
    git("checkout", "--quiet", "edit")
    tip = revisions.commit_of("elsewhere")
    assert revisions.fork(tip) == revisions.commit_of("HEAD") != tip


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD:params.yaml"])
def test_a_revision_that_is_none_is_a_mistake(repo: Path, revision: str) -> None:
    with pytest.raises(UserError, match="no such revision"):
        revisions.commit_of(revision)


def test_the_command_writes_the_page_and_says_how_it_went(repo: Path) -> None:
    """As make runs it, from the repository's root."""
    tinyspecs.replace(repo, SCENARIO, "what to carry", "what to take")
    command = [sys.executable, "-m", "bench.diff", "--base", "HEAD", "--no-audit", "--workers", "2", "--out", "out/page.md"]
    done = subprocess.run(command, cwd=repo, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (repo / "out/page.md").read_text(encoding="utf-8").startswith("## ")
    assert subprocess.run([*command, "--base", "nowhere"], cwd=repo, env=environment(), capture_output=True, check=False).returncode == 1


def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tinyspecs.REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}


ALLOWED = re.compile(r"(</?details>|</?summary>|</?code>|<br>|[^<>])*")


def foreign(text: str) -> list[str]:
    """Whatever a reader's browser would take for more than text in code, tables and the page's own folds."""
    found = []
    tokens = [t for block in MarkdownIt("commonmark").enable("table").parse(text) for t in (block, *(block.children or []))]
    for token in tokens:
        if token.type in ("html_block", "html_inline") and not ALLOWED.fullmatch(token.content):
            found.append(token.content)
        if token.type in ("link_open", "image", "hr") or (token.type == "text" and re.search(r"[@#<]", token.content)):
            found.append(token.type)
    return found


def test_hostile_text_in_a_spec_stays_in_its_fence(repo: Path) -> None:
    tinyspecs.replace(repo, SCENARIO, "The market is tomorrow and the till roll is all I have.", json.dumps(HOSTILE))
    tinyspecs.replace(repo, "personas/grocer.yaml", '"Ada here."', json.dumps(HOSTILE))
    text = page()
    assert "alert(1)" in text and "\u202e" not in text
    assert foreign(text) == []
    assert text.count("<details>") == text.count("\n</details>\n") > 0


def test_a_broken_fence_would_be_noticed() -> None:
    """The judge of the tests here sees what it is there for."""
    assert foreign(f"```text\n{HOSTILE}\n```") and foreign(f"| a |\n| - |\n| {HOSTILE} |") and not foreign("| a |\n| - |\n| `<b>` |")


@given(st.text() | st.text(alphabet="`~|\\<>@#[]()!_*\n\r -=a"))
def test_no_text_breaks_out_of_code_or_fence(text: str) -> None:
    shown = markdown.table(["a", "b"], [[markdown.code(text), "1"]])
    tokens = MarkdownIt("commonmark").enable("table").parse(shown)
    cells = [t for i, t in enumerate(tokens) if t.type == "inline" and tokens[i - 1].type == "td_open"]
    assert [[c.type for c in cell.children or []] for cell in cells] in ([["code_inline"], ["text"]], [[], ["text"]])
    (only,) = MarkdownIt("commonmark").parse(markdown.fenced(text))
    assert only.type == "fence" and foreign(markdown.details(markdown.html_code(text), markdown.fenced(text))) == []


@given(st.lists(st.text(alphabet="aé€😀", max_size=80), max_size=12), st.integers(100, 400))
def test_a_page_keeps_its_bound_and_never_cuts_a_part(parts: list[str], most: int) -> None:
    text = markdown.page(parts, most)
    assert len(text.encode()) <= most
    kept = [p for p in text.split("\n\n") if p.strip() and "left out here" not in p]
    assert [p.strip() for p in kept] == [p for p in parts if p][: len(kept)] or "left out here" in text


def test_an_endless_instruction_is_cut(repo: Path) -> None:
    tinyspecs.replace(repo, SCENARIO, "The market is tomorrow", "The market is " + "very " * 30_000 + "soon")
    text = page()
    assert len(text.encode()) <= markdown.MOST_BYTES and "more characters" in text
