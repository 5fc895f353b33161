"""Packages of source code that a task gives: with a fault put in, or with a part that is not written yet."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable
from typing import Any

from generators import draw, operate
from generators.artifacts import Artifact, code
from generators.chain import Step
from generators.operate import Unfit
from generators.places import Places
from generators.questions import Database
from generators.relations import Column, Relation
from generators.views import Binding
from specs.catalogue import Operation

HIDDEN_CASES = 3
TRIES = 6  # sets of hidden cases
Cases = list[dict[str, Any]]  # arguments, and what the truth says of them


def versions(operation: Operation, names: dict[str, str]) -> dict[str, str]:
    """Texts of the module: "right", "second" where there is one, and each fault's by its name; `names` are written names by bound column.

    Raises TruthError where a fault's part does not occur.
    """
    spec = operation.spec
    right = code.filled(operation.source[spec["module"]].decode(), names)
    second = code.filled(operation.second, names)
    texts = {"right": right} | ({"second": second} if second else {})
    for fault in spec["faults"]:
        base = second if fault.get("into") == "second" else right
        texts[fault["name"]] = operate.swapped(base, [code.filled(s, names) for s in fault["swap"]])
    return texts


def _texts(operation: Operation, names: dict[str, str]) -> dict[str, str]:
    """The files of its package that are read as text, by path."""
    return {path: code.filled(content.decode(), names) for path, content in operation.source.items() if path.endswith((".py", ".md"))}


def package_of(
    db: Database,
    step: Step,
    bases: dict[str, Relation],
    domain: dict[str, Any],
    split: str,
    places: Places,
    seed: str,
) -> tuple[Artifact, dict[str, bytes]]:
    """A code artifact and the files of its package, with one fault put in or a part left out. Raises Unfit where that would not show."""
    rng = random.Random(f"{seed}/package")
    spec = step.operation.spec
    main = next(iter(step.inputs.values()))
    if spec["yields"]["as"] == "tests":
        return _tested(step, bases[main.base], places)
    texts, known = _texts(step.operation, step.names), versions(step.operation, step.names)
    first = _first(step.operation, known, step.names, rng)
    visible = _case(db, step, bases[main.base])
    folder = places.folder(spec["source"].rpartition("/")[2])
    test = next(name for name in texts if name.startswith("test_"))
    details = {
        "module": f"{folder}/{spec['module']}",
        "function": spec["function"],
        "right": known["right"],
        **first,
        "faults": {f["name"]: known[f["name"]] for f in spec["faults"]},
        "test": test,
        "rows": visible[0],
        "expected": visible[1],
    }
    cases = functools.partial(_drawn_cases, db, step, domain, split, seed)
    details["cases"] = operate.first_fit([functools.partial(_showing, details, spec["demands"], cases, turn) for turn in range(TRIES)])
    texts[spec["module"]] = first["faulty"]
    texts[test] = texts[test].replace("__ROWS__", _literal(visible[0])).replace("__EXPECTED__", _literal(visible[1]))
    artifact = Artifact("code", folder, "source", tuple(spec["yields"]["columns"]), details=details)
    return artifact, {f"{folder}/{name}": text.encode() for name, text in texts.items()}


def _showing(details: dict[str, Any], demands: dict[str, Any], cases: Callable[[int], Cases], turn: int) -> Cases:
    """A set of hidden cases. Raises Unfit where the fault or a demand does not show in it."""
    found = cases(turn)
    code.prove({**details, "cases": found}, demands)
    return found


def _drawn_cases(db: Database, step: Step, domain: dict[str, Any], split: str, seed: str, turn: int) -> Cases:
    """Other draws of the step's input, with what the truth says of each."""
    base = next(iter(step.inputs.values())).base
    cases = []
    for number in range(turn * HIDDEN_CASES, (turn + 1) * HIDDEN_CASES):
        rows, expected = _case(db, step, draw.draw(domain, [base], split, f"{seed}/hidden-{number}")[base])
        cases.append({"args": [rows], "expect": expected})
    return cases


def _tested(step: Step, data: Relation, places: Places) -> tuple[Artifact, dict[str, bytes]]:
    """A package without a fault, for which tests are to be written; accepting the operation has shown that its own tests serve."""
    spec = step.operation.spec
    _measures_as_text(data.columns[data.index(c)] for c in step.names.values())
    texts, known = _texts(step.operation, step.names), versions(step.operation, step.names)
    folder = places.folder(spec["source"].rpartition("/")[2])
    within, _, module = f"{folder}/{spec['module']}".rpartition("/")
    details = {
        "module": f"{within}/{module}",
        "path": f"{within}/test_{module}",
        "function": spec["function"],
        "right": known["right"],
        "second": known["second"],
        "faults": {f["name"]: known[f["name"]] for f in spec["faults"]},
        "tests": code.filled(step.operation.solution, step.names),
    }
    artifact = Artifact("tests", folder, "source", tuple(spec["yields"]["columns"]), details=details)
    return artifact, {f"{folder}/{name}": text.encode() for name, text in texts.items()}


def _measures_as_text(columns: Iterable[Column]) -> None:
    if any(c.role == "measure" and not c.decimals for c in columns):
        raise Unfit("a package's measures have decimals")


def _first(operation: Operation, known: dict[str, str], names: dict[str, str], rng: random.Random) -> dict[str, str]:
    """The module as it is given: with the part that it lacks, or else with one of the faults; which one, and what somebody notices."""
    spec = operation.spec
    if spec.get("lacks"):
        return {"faulty": operate.swapped(known["right"], [code.filled(s, names) for s in spec["lacks"]]), "fault": "", "symptom": ""}
    chosen = rng.choice(sorted(spec["faults"], key=lambda f: str(f["name"])))
    return {
        "faulty": known[chosen["name"]],
        "fault": chosen["name"],
        "symptom": code.filled(chosen["symptom"], {b: c.replace("_", " ") for b, c in names.items()}),
    }


def _case(db: Database, step: Step, relation: Relation) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A draw as the function's argument, and what the truth says of it."""
    main = next(iter(step.inputs.values()))
    bound = Binding(relation, {b: relation.columns[relation.index(c)] for b, c in main.names.items()})
    _measures_as_text(bound.names.values())
    answer = operate.answer(db, step.operation, {next(iter(step.inputs)): bound}, step.params)
    return code.objects(relation), code.objects(answer, list(step.operation.spec["yields"]["columns"]))


def _literal(rows: list[dict[str, Any]]) -> str:
    return "[\n" + "".join(f"    {row!r},\n" for row in rows) + "]"
