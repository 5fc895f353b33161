import io
import json
import subprocess

import bench_making as made
import making
import pytest
from rich.console import Console

from bench import chain, origins, trace
from specs import layout, locate, shards
from specs.errors import UserError
from specs.records import MutantScore, Provenance, Rollout, Scorecard, SpecRef, Verdict, Verifier

PERSONA = "# who asks\nname: wanda\nhabit: terse\n"
OPERATIONS = "skill: ledger\noperations:\n  - name: total\n    solution: solutions/total.py\n  - name: count\n    truth: SELECT 1\n"


def git(*arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "personas/wanda.yaml": PERSONA,
        "skills/ledger/operations.yaml": OPERATIONS,
        "skills/ledger/solutions/total.py": "print(1)\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "specs")
    return tmp_path


def commit_of(revision):
    return subprocess.run(["git", "rev-parse", revision], check=True, capture_output=True, text=True).stdout.strip()


def ref(path, name):
    return SpecRef(path, name, locate.find_entry(path, name)[1])


def shown(identity):
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(trace.trace(identity))
    return console.export_text()


TASK = making.task({"a.csv": "x"}, instruction="Add [bold]it[/bold] up.", split="bench", identity="0a1b2c3d4e5f")


def world(repo, **fields):
    """A task with provenance, a scorecard, a rollout with its verdict, and models trained on it."""
    verifier = making.verifier([{"kind": "table", "params": {}}], TASK.id)
    refs = (ref("personas/wanda.yaml", "wanda"), ref("skills/ledger/operations.yaml", "total"))
    run = made.rollout(TASK, identity="ab" * 32, **fields)
    made.keep([TASK], [run], [made.verdict(run, 1.0, identity="cd" * 32, verifier_digest=verifier.digest)])
    shards.write(layout.VERIFIERS, Verifier, [("bench", verifier)])
    shards.write(layout.PROVENANCE, Provenance, [("bench", Provenance(TASK.id, refs, "7:x", {"duckdb": "2.0.0"}, "compiled"))])
    card = Scorecard(TASK.id, 1.0, 0.0, (MutantScore("demand", "tie", 0.5),), (), "", TASK.operations, TASK.digest, verifier.digest)
    shards.write(layout.SCORECARDS, Scorecard, [("bench", card)])
    made.choose(bench=[TASK.id])
    for name, value in {
        "base": None,
        "sft": {"rollouts": [run.id, "gone"], "tasks": [TASK.id], "parent": "base", "parent_digest": "d"},
    }.items():
        (repo / "models" / name).mkdir(parents=True)
        if value:
            (repo / "models" / name / "trained_on.json").write_text(json.dumps(value))
    return run


def test_an_entry_as_it_was_is_found_at_its_line(repo):
    assert origins.origin(ref("personas/wanda.yaml", "wanda")) == origins.Origin(ref("personas/wanda.yaml", "wanda"), "here", 2, "")
    found = origins.origin(ref("skills/ledger/operations.yaml", "count"))
    assert (found.line, found.state, found.kind) == (5, "here", "operation")


def test_a_changed_entry_is_found_in_the_history(repo):
    old = ref("personas/wanda.yaml", "wanda")
    (repo / "personas/wanda.yaml").write_text("# who\n# asks\nname: wanda\nhabit: chatty\n")
    commit = commit_of("HEAD")
    assert origins.origin(old) == origins.Origin(old, "changed", 2, commit, 3)
    git("commit", "-qam", "chatty")
    assert origins.origin(old) == origins.Origin(old, "changed", 2, commit, 3)


def test_a_comment_or_a_neighbour_that_changes_leaves_the_entry_as_it_was(repo):
    kept = ref("skills/ledger/operations.yaml", "total")
    (repo / "skills/ledger/operations.yaml").write_text("# more\n" + OPERATIONS.replace("SELECT 1", "SELECT 2"))
    assert (origins.origin(kept).state, origins.origin(kept).line) == ("here", 4)


def test_an_operation_changes_with_its_solution_and_is_found_with_the_old_one(repo):
    old = ref("skills/ledger/operations.yaml", "total")
    (repo / "skills/ledger/solutions/total.py").write_text("print(2)\n")
    git("commit", "-qam", "another way")
    found = origins.origin(old)
    assert (found.state, found.line) == ("changed", 3)
    assert found.commit == commit_of("HEAD~1")


def test_a_removed_entry_is_gone_and_found_in_the_history(repo):
    old = ref("personas/wanda.yaml", "wanda")
    (repo / "personas/wanda.yaml").unlink()
    git("commit", "-qam", "farewell")
    found = origins.origin(old)
    assert (found.state, found.line) == ("gone", 2)


def test_broken_yaml_in_the_tree_does_not_stop_the_search(repo):
    old = ref("personas/wanda.yaml", "wanda")
    (repo / "personas/wanda.yaml").write_text("name: [\n")
    assert origins.origin(old).line == 2


def test_an_entry_that_was_never_committed_is_in_no_history(repo):
    found = origins.origin(SpecRef("personas/wanda.yaml", "wanda", "0" * 64))
    assert (found.state, found.line, found.commit) == ("changed", 0, "")


def test_without_a_repository_only_the_working_tree_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert origins.origin(SpecRef("personas/wanda.yaml", "wanda", "0" * 64)).state == "gone"


def test_a_task_is_walked_from_its_lines_to_its_checkpoints(repo):
    world(repo)
    text = shown("0a1b2c")
    for part in (
        "personas/wanda.yaml:2",
        "skills/ledger/operations.yaml:3",
        "seed 7:x; duckdb 2.0.0",
        "1 of 1 mutants fail",
        "selected for bench",
        "ab" * 32,
        "1.000 solved",
        "models/sft",
        "Add [bold]it[/bold] up.",
    ):
        assert part in text
    assert "stale" not in text


def test_a_changed_entry_is_said_in_the_trace(repo):
    world(repo)
    (repo / "personas/wanda.yaml").write_text(PERSONA.replace("terse", "chatty"))
    assert "changed since" in shown(TASK.id)


def test_a_rollout_of_an_earlier_task_is_stale(repo):
    world(repo, task_digest="of another")
    assert "stale: the task has changed" in shown("ab" * 32)


def test_a_verdict_of_an_earlier_verifier_is_stale(repo):
    world(repo)
    shards.write(layout.VERIFIERS, Verifier, [("bench", making.verifier([{"kind": "tree", "params": {}}], TASK.id))])
    text = shown("cd" * 32)
    assert "stale: the verifier has changed" in text
    assert "personas/wanda.yaml:2" in text


def test_a_model_is_walked_back_to_its_rollouts_and_tasks(repo):
    run = world(repo)
    text = shown("sft")
    assert "models/base" in text and run.id in text and TASK.id in text
    assert "1 of its rollouts are not here any more" in text


def test_a_model_whose_parent_changed_is_stale(repo):
    world(repo)
    (repo / "models/base/model.safetensors").write_bytes(b"new")
    assert "stale: the parent has changed" in shown("sft")


def test_what_a_run_on_another_model_left_is_found_too(repo):
    world(repo)
    run = made.rollout(TASK, "gpt", identity="ef" * 32)
    shards.write(layout.RUNS / "gpt/rollouts", Rollout, [("bench", run)])
    shards.write(layout.RUNS / "gpt/verdicts", Verdict, [("bench", made.verdict(run, 0.0))])
    assert "runs/gpt/rollouts" in shown("ef" * 32)


def test_an_ambiguous_beginning_lists_what_it_could_be(repo):
    made.keep([making.task({}, identity=i) for i in ("aa1111111111", "aa2222222222")])
    with pytest.raises(UserError, match="task aa1111111111, task aa2222222222"):
        chain.resolve("aa")
    assert chain.resolve("aa1").id == "aa1111111111"


@pytest.mark.parametrize("identity", ["zz", ""])
def test_an_id_of_nothing_is_a_located_mistake(repo, identity):
    made.keep([TASK])
    with pytest.raises(UserError, match="no task, rollout, verdict or model"):
        chain.resolve(identity)
