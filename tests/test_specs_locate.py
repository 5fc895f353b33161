"""Locating: each entry's line and digest, which change with the entry and with nothing else."""

from __future__ import annotations

from pathlib import Path

import tinyspecs

from specs import catalogue, locate

OPERATIONS = "skills/counting/operations.yaml"


def digests(root: Path) -> dict[str, str]:
    return {name: digest for name, _, digest in locate.entries(root / OPERATIONS)}


def test_an_entry_is_found_at_its_line(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    found = locate.find_entry(OPERATIONS, "once", root)
    assert found is not None
    lines = (root / OPERATIONS).read_text().splitlines()
    assert lines[found[0] - 1] == "  - name: once"
    persona = locate.find_entry("personas/grocer.yaml", "grocer", root)
    assert persona is not None and persona[0] == 1


def test_kinds_of_noise_are_entries(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    for name, line, _ in locate.entries(root / "specs/noise.yaml"):
        assert (root / "specs/noise.yaml").read_text().splitlines()[line - 1].strip() == f"- name: {name}"


def test_what_is_gone_is_none(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    assert locate.find_entry(OPERATIONS, "twice", root) is None
    assert locate.find_entry("skills/none/operations.yaml", "once", root) is None


def test_an_edit_changes_the_digest_of_that_entry_alone(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    before = digests(root)
    tinyspecs.replace(root, OPERATIONS, "rows that stand there once", "rows that stand there one time")
    after = digests(root)
    assert before["total"] == after["total"] and before["once"] != after["once"]


def test_comments_layout_and_neighbours_do_not_change_it(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    before = digests(root)
    tinyspecs.replace(root, OPERATIONS, "operations:\n", "# what it can do\noperations:\n\n")
    tinyspecs.replace(root, OPERATIONS, "tasks: 1", "tasks: 9")
    assert digests(root) == before
    found = locate.find_entry(OPERATIONS, "total", root)
    assert found is not None and found[0] == 6


def test_a_changed_solution_changes_it(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    before = digests(root)
    tinyspecs.replace(root, "skills/counting/solutions/once.py", "result", "result = None\nresult")
    after = digests(root)
    assert before["total"] == after["total"] and before["once"] != after["once"]


def test_a_changed_source_package_changes_it(tmp_path: Path) -> None:
    (tmp_path / "sources/sum").mkdir(parents=True)
    (tmp_path / "sources/sum/sum.py").write_text("a = 1\n")
    entry = {"name": "sum", "source": "sources/sum"}
    before = locate.entry_digest(entry, locate.belongings(entry, tmp_path))
    (tmp_path / "sources/sum/sum.py").write_text("a = 2\n")
    assert locate.entry_digest(entry, locate.belongings(entry, tmp_path)) != before


def test_a_skill_is_located_by_its_file(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    before = locate.find_entry("skills/counting/SKILL.md", "counting", root)
    tinyspecs.replace(root, "skills/counting/SKILL.md", "Read all rows", "Read every row")
    after = locate.find_entry("skills/counting/SKILL.md", "counting", root)
    assert before and after and before[0] == after[0] == 1 and before[1] != after[1]


def test_the_catalogue_gives_the_same_digests(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    found = catalogue.load(root)
    assert {o.spec.name: o.spec.digest for o in found.operations()} == digests(root)
    domain = found.domains["till"]
    assert locate.find_entry(domain.path, "till", root) == (1, domain.digest)
