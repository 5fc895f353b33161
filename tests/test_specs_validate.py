"""Validating: every kind of mistake is found where it is, all in one run, and the repository's own YAML has none."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import mistakes
import mistakes_operations
import pytest
import tinyspecs
from mistakes import DOMAIN, OPERATIONS, PERSONA, SCENARIO, TEMPLATE

from specs import located, validate

MISTAKES = mistakes.MISTAKES | mistakes_operations.MISTAKES
assert len(MISTAKES) == len(mistakes.MISTAKES) + len(mistakes_operations.MISTAKES), "two of one name: one would not be tried"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_where_it_is(tmp_path: Path, mistake: str) -> None:
    path, old, new, message = MISTAKES[mistake]
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, path, old, new)
    _, problems = validate.validate(root)
    assert any(message in str(p) for p in problems), "\n".join(map(str, problems))
    for problem in problems:
        lines = (root / problem.path).read_text(encoding="utf-8").splitlines()
        assert 1 <= problem.line <= len(lines), problem


def test_the_tiny_tree_is_valid_as_it_is(tmp_path: Path) -> None:
    _, problems = validate.validate(tinyspecs.tree(tmp_path))
    assert problems == []


@pytest.mark.parametrize("path", ["personas/baker.yml", "specs/scenarios/old/market-day.yaml", "skills/counting/operation.yaml"])
def test_yaml_that_nothing_reads_is_told(tmp_path: Path, path: str) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("name: x\n")
    _, problems = validate.validate(root)
    assert [(p.path, p.what) for p in problems] == [(path, "no kind of spec lies here")]


def test_data_files_of_a_skill_are_no_specs(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / "skills/counting/files").mkdir()
    (root / "skills/counting/files/example.yaml").write_text("a: [")
    assert validate.validate(root)[1] == []


def run(root: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(tinyspecs.REPOSITORY)}
    command = [sys.executable, "-m", "specs.validate", *paths]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)


def test_five_mistakes_of_one_file_are_told_in_one_run(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, OPERATIONS, "tasks: 1", "taks: 1")
    tinyspecs.replace(root, OPERATIONS, "atomic: filter, sort, rank", "atomic: filter, sort, rank\n    atomic: filter, sort, rank")
    tinyspecs.replace(root, OPERATIONS, "measure: measure}", "measure: mesure}")
    tinyspecs.replace(root, OPERATIONS, "LIMIT $n", "LIMIT $m")
    tinyspecs.replace(root, OPERATIONS, "go to {{ out }}", "go away")
    done = run(root)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{OPERATIONS}:2:1: taks: unknown key 'taks'; did you mean 'tasks'?",
        f"{OPERATIONS}:8:37: operations[0].takes.rows.measure: 'mesure' is not one of "
        "key, ref, when, at, party, group, state, title, text, place, measure, level, span, path, seq, field, value; did you mean 'measure'?",
        f"{OPERATIONS}:11:12: operations[0].truth: unknown parameter '$m'; known: n, name_group, name_measure",
        f"{OPERATIONS}:26:9: operations[0].say[0]: does not name {{{{ out }}}}; say where the result goes",
        f"{OPERATIONS}:31:5: operations[1].atomic: the key 'atomic' occurs twice; remove one of the two",
    ]


def test_a_valid_tree_is_counted(tmp_path: Path) -> None:
    done = run(tinyspecs.tree(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 operations" in done.stdout
    counted = json.loads((tmp_path / "metrics/validate.json").read_text())
    assert counted["domains"] == 1 and counted["relations"] == 7 and counted["demands"] == 4 and counted["workflows"] == 1


def test_only_the_mistakes_of_the_paths_asked_for_are_told(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, DOMAIN, "like: sales", "like: sale")
    tinyspecs.replace(root, SCENARIO, "domain: till", "domain: tills")
    done = run(root, "specs/domains")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{DOMAIN}:") and len(done.stderr.splitlines()) == 1
    assert run(root, "personas").returncode == 0
    assert run(root, "specs/domain").stderr == "specs/domain:1:1: no such file or folder\n"


@pytest.mark.parametrize(
    "content", ["", "[]", "- a\n- b\n", "7", "relations: 5\n", "relations: {sales: {columns: {a: }}}\n", "relations: {sales: \n"]
)
def test_junk_gives_located_lines_and_no_traceback(tmp_path: Path, content: str) -> None:
    root = tinyspecs.tree(tmp_path)
    for path in (DOMAIN, OPERATIONS, SCENARIO, PERSONA, TEMPLATE, "specs/noise.yaml", "specs/taxonomy.yaml", "params.yaml"):
        (root / path).write_text(content, encoding="utf-8")
    _, problems = validate.validate(root)
    assert {p.path for p in problems} >= {DOMAIN, OPERATIONS, SCENARIO, PERSONA, TEMPLATE}


def parts(value: object, steps: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [steps]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += parts(inner, (*steps, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            found += parts(inner, (*steps, number))
    return found


@pytest.mark.parametrize("path", [DOMAIN, OPERATIONS, SCENARIO, PERSONA])
def test_any_part_may_be_anything_without_a_traceback(tmp_path: Path, path: str) -> None:
    """Parts are replaced by values of other types, one at a time: told, never a crash."""
    root = tinyspecs.tree(tmp_path)
    plain = located.load(root / path).value
    junk = (None, 7, "x", [], ["{{"], {}, {"a": {"b": 1}})
    tries = [(steps, value) for steps in parts(plain)[1:] for value in junk]
    for steps, value in random.Random(path).sample(tries, 25):
        changed = json.loads(json.dumps(plain))
        node = changed
        for step in steps[:-1]:
            node = node[step]
        node[steps[-1]] = value
        (root / path).write_text(json.dumps(changed), encoding="utf-8")
        validate.validate(root)


def test_the_repository_validates() -> None:
    _, problems = validate.validate(tinyspecs.REPOSITORY)
    assert problems == [], "\n" + "\n".join(map(str, problems))


SCHEMAS = sorted((tinyspecs.REPOSITORY / "specs/schemas").glob("*.json"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda p: p.stem)
def test_a_schema_is_one_and_refuses_unknown_keys_everywhere(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for steps in parts(schema):
        node = schema
        for step in steps:
            node = node[step]
        conditional = {"allOf", "if", "then", "else"} & {s for s in steps if isinstance(s, str)}
        if isinstance(node, dict) and "properties" in node and "type" in node and not conditional:
            assert node.get("additionalProperties") is False, steps


def test_editors_check_each_kind_of_yaml_against_its_schema() -> None:
    told = json.loads((tinyspecs.REPOSITORY / ".vscode/settings.json").read_text())["yaml.schemas"]
    assert {Path(p).name for p in told} == {p.name for p in SCHEMAS}
    for schema, pattern in told.items():
        assert (tinyspecs.REPOSITORY / schema).is_file()
        assert (tinyspecs.REPOSITORY / pattern).parent.is_dir() or "*" in str(Path(pattern).parent), pattern
        assert list(tinyspecs.REPOSITORY.glob(pattern)) or pattern == "specs/wordings/*.yaml", pattern  # nobody has to reword by hand


def test_the_language_has_the_roles_of_the_taxonomy() -> None:
    roles = located.load(tinyspecs.REPOSITORY / "specs/taxonomy.yaml").value["roles"]
    schemas = tinyspecs.REPOSITORY / "specs/schemas"
    taken = json.loads((schemas / "operations.schema.json").read_text())["$defs"]["role"]["enum"]
    drawn = json.loads((schemas / "domain.schema.json").read_text())["$defs"]["column"]["properties"]["role"]["enum"]
    assert set(taken) == set(roles)
    assert set(drawn) == {name for name, role in roles.items() if role.get("drawn", True)}
