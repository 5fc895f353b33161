"""The architecture: imports go one way, modules stay small, what a skill's folder holds, what a stage depends on."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest
import yaml

import verifiers

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("specs", "sandbox", "verifiers", "generators", "train", "bench")
MAY_IMPORT = {
    "specs": set(),
    "sandbox": {"specs"},
    "verifiers": {"specs", "sandbox"},
    "generators": {"specs"},
    "train": {"specs", "sandbox", "verifiers"},
    "bench": {"specs", "sandbox", "verifiers", "generators"},
}
EXCEPTIONS = {"generators.accept": {"sandbox", "verifiers"}}  # the one place where truth and solution meet in a box
SNIPPETS = ROOT / "generators" / "snippets"  # text of solutions, never imported
MOST_LINES = 330


def modules() -> dict[str, Path]:
    """All modules of the packages by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if SNIPPETS not in path.parents:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@functools.cache
def imports(module: str) -> frozenset[str]:
    """Modules of this repository that a module imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports here are absolute"
            found |= {
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else str(node.module) for alias in node.names
            }
    return frozenset(name for name in found if name.partition(".")[0] in PACKAGES)


def loaded(module: str) -> set[str]:
    """Modules that a module imports under names put together when it runs: f"verifiers.kinds.{kind}"."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "import_module":
            name = node.args[0]
            if isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
                found |= {m for m in MODULES if m.startswith(str(name.values[0].value))}
    return found


def test_this_repository_is_under_test() -> None:
    """A package called verifiers exists on the index as well."""
    assert verifiers.__file__ is not None
    assert Path(verifiers.__file__).resolve().is_relative_to(ROOT)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    package = module.partition(".")[0]
    allowed = MAY_IMPORT[package] | EXCEPTIONS.get(module, set()) | {package}
    assert {name for name in imports(module) if name.partition(".")[0] not in allowed} == set()


def test_what_is_imported_exists() -> None:
    assert {(m, name) for m in MODULES for name in imports(m) if name not in MODULES} == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    done: set[str] = set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for name in sorted(imports(module) & set(MODULES)):
                walk(name, (*way, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_small_and_says_what_it_is_for(module: str) -> None:
    text = MODULES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES, f"{module}: two modules, rather"
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{module} lacks a docstring"


def test_no_module_is_a_bag_of_things() -> None:
    assert [m for m in MODULES if m.rpartition(".")[2] in ("utils", "helpers", "common", "misc")] == []


def test_nothing_reads_yaml_or_pickles_unsafely() -> None:
    """yaml.load and pickle run what they read."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in {("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load")}, module
            if isinstance(node, ast.Import):
                assert not {a.name for a in node.names} & {"pickle", "dill", "shelve"}, module


SKILLS = sorted(p.parent for p in (ROOT / "skills").glob("*/operations.yaml"))


@pytest.mark.parametrize("skill", SKILLS, ids=lambda p: p.name)
def test_a_skills_folder_holds_what_enters_a_box_and_its_operations(skill: Path) -> None:
    there = {p.name for p in skill.iterdir() if p.name != "__pycache__"}
    assert there >= {"SKILL.md", "operations.yaml"}
    assert there <= {"SKILL.md", "files", "operations.yaml", "solutions", "sources", "seconds"}


def test_every_solution_and_source_belongs_to_an_operation() -> None:
    for skill in SKILLS:
        operations = yaml.safe_load((skill / "operations.yaml").read_text(encoding="utf-8"))["operations"]
        assert {p.relative_to(skill).as_posix() for p in skill.glob("solutions/*.py")} == {
            o["solution"] for o in operations if "solution" in o
        }
        assert {p.relative_to(skill).as_posix() for p in skill.glob("sources/*")} == {o["source"] for o in operations if "source" in o}
        assert {p.relative_to(skill).as_posix() for p in skill.glob("seconds/*")} == {o["second"] for o in operations if "second" in o}


def closure(module: str) -> set[str]:
    """The module, all it imports, and the packages' own modules on the way."""
    found: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in found or name not in MODULES:
            continue
        found.add(name)
        todo += [*imports(name), *loaded(name), name.rpartition(".")[0]]
    return found


def stages() -> dict[str, dict[str, object]]:
    """Stages of dvc.yaml, those of a matrix or foreach once each."""
    path = ROOT / "dvc.yaml"
    if not path.is_file():
        return {}
    found: dict[str, dict[str, object]] = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}  # type: ignore[misc]


@pytest.mark.skipif(not stages(), reason="no dvc.yaml")
@pytest.mark.parametrize("name", stages())
def test_a_stage_depends_on_all_the_code_it_imports(name: str) -> None:
    stage = stages()[name]
    command = stage["cmd"] if isinstance(stage["cmd"], list) else [stage["cmd"]]
    run = [
        word for line in command for before, word in zip(line.split(), line.split()[1:], strict=False) if before == "-m" and word in MODULES
    ]
    assert run, f"{name} runs no module of this repository"
    deps = [str(next(iter(d)) if isinstance(d, dict) else d).rstrip("/") for d in stage.get("deps", [])]  # type: ignore[attr-defined]
    for module in run:
        for needed in closure(module):
            path = MODULES[needed].relative_to(ROOT).as_posix()
            if path.endswith("__init__.py") and len(MODULES[needed].read_text(encoding="utf-8").splitlines()) <= 3:
                continue
            assert any(path == d or path.startswith(f"{d}/") for d in deps), f"{name} imports {path}, which is not among its deps"
