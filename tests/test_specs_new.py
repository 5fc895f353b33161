"""`make new`: what it writes validates as it is, a new skill is accepted, and nothing that is there is written over."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import spectree
import tinyspecs

from generators import accept
from specs import catalogue, corpus, new, splits, validate
from specs.errors import UserError

NAMES = {"persona": "club-rower", "scenario": "shoebox-friday", "domain": "lent-tools", "skill": "cutting", "operation": "ledger.at-least"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository's specs, as the working directory."""
    spectree.copied(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(kind: str, name: str) -> list[str]:
    with pytest.raises(UserError) as error:
        new.starting(kind, name)
    return [str(p) for p in error.value.problems]


@pytest.mark.slow
@pytest.mark.parametrize("kind", new.KINDS)
def test_a_starting_file_validates_as_it_is(root: Path, kind: str) -> None:
    before = validate.counts(corpus.read(root)[0])
    assert new.main(["--kind", kind, "--name", NAMES[kind]]) == 0
    found, problems = validate.validate(root)
    assert [str(p) for p in problems] == []
    after = validate.counts(found)
    assert after[f"{kind}s"] == before[f"{kind}s"] + 1


def test_a_starting_scenario_has_somebody_to_ask_in_either_split(root: Path) -> None:
    for name in ("shoebox-friday", "shoebox-monday", "shoebox-sunday", "shoebox-noon"):
        new.main(["--kind", "scenario", "--name", name])
    assert {splits.split_of(n, {}, 0.3) for n in ("shoebox-friday", "shoebox-monday", "shoebox-sunday", "shoebox-noon")} == {
        "train",
        "bench",
    }
    assert validate.validate(root)[1] == []


def test_no_place_for_a_name_is_left(root: Path) -> None:
    for kind in new.KINDS:
        for text in new.starting(kind, NAMES[kind]).values():
            assert not re.search(r"@[A-Z]+@", text)


@pytest.mark.parametrize("identity", ["cutting.at-least", "ledger.at-least"])
def test_a_starting_operation_is_accepted(root: Path, identity: str) -> None:
    new.main(["--kind", "skill", "--name", "cutting"] if identity.startswith("cutting") else ["--kind", "operation", "--name", identity])
    specs = catalogue.load()
    operation = specs.operation(identity)
    domains = [specs.domains[name].value for name in accept.fitting(specs, operation)]
    found = accept.accept(operation, domains, 60, "new")
    assert [(c.steps, c.what) for c in found.complaints] == []
    assert found.draws == 60


def test_the_other_operations_of_the_skill_stay_as_they_are(root: Path) -> None:
    before = catalogue.load().skills["ledger"].operations
    new.main(["--kind", "operation", "--name", "ledger.at-least"])
    after = catalogue.load().skills["ledger"].operations
    assert {n: o for n, o in after.items() if n != "at-least"} == before


@pytest.mark.parametrize("name", ["Two Words", "../up", "", "-x", "x--y", "ünder", "a\n", "x.yaml"])
def test_a_name_that_is_none_is_refused(root: Path, name: str) -> None:
    for kind in ("persona", "scenario", "domain", "skill"):
        assert told(kind, name) == [
            f"command line:1:1: NAME: '{name}' is not written as a name; write it in kebab-case: small letters, digits, single dashes"
        ]
    assert "NAME: " in told("operation", f"ledger.{name}")[0]


def test_what_is_there_is_not_written_over(root: Path) -> None:
    assert told("skill", "ledger") == ["skills/ledger:1:1: is there already; choose another NAME, or edit it"]
    assert told("domain", "expenses") == ["specs/domains/expenses.yaml:1:1: is there already; choose another NAME, or edit it"]
    assert "operations[0].name: there is an operation 'dedupe' already" in told("operation", "ledger.dedupe")[0]
    (root / "skills/ledger/solutions/mine.py").write_text("result = rows\n")
    assert told("operation", "ledger.mine") == ["skills/ledger/solutions/mine.py:1:1: is there already; choose another NAME, or edit it"]


def test_a_kind_or_a_skill_that_is_none_is_told_with_what_comes_near(root: Path) -> None:
    assert told("personna", "x") == ["command line:1:1: KIND: no starting file for 'personna'; did you mean 'persona'?"]
    assert told("operation", "leger.x") == ["command line:1:1: NAME: there is no skill 'leger'; did you mean 'ledger'?"]
    assert told("operation", "x") == ["command line:1:1: NAME: 'x' names no skill; write <skill>.<operation>, such as ledger.top"]


@pytest.mark.parametrize(("old", "put"), [("operations:\n", "operations:\n"), ("skill: counting\n", "")])
def test_an_operation_is_put_only_where_the_list_ends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, put: str) -> None:
    monkeypatch.chdir(tinyspecs.tree(tmp_path))
    path = "skills/counting/operations.yaml"
    tinyspecs.replace(tmp_path, path, old, put)
    if put:
        assert new.starting("operation", "counting.other")
        return
    (tmp_path / path).write_text((tmp_path / path).read_text(encoding="utf-8") + "skill: counting\n", encoding="utf-8")
    assert "another operation can't be put at the end" in told("operation", "counting.other")[0]


def test_it_is_a_command(root: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(tinyspecs.REPOSITORY)}
    command = [sys.executable, "-P", "-m", "specs.new", "--kind", "persona", "--name"]
    done = subprocess.run([*command, "rower"], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "personas/rower.yaml"
    again = subprocess.run([*command, "rower"], env=env, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "personas/rower.yaml:1:1: is there already; choose another NAME, or edit it\n"
