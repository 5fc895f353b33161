"""Packages on trial: what is run in a box to accept an operation on source code, and what its outcomes say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from generators.artifacts import code, tests
from generators.chain import bindings
from generators.demands import Complaint
from generators.hostile import Trial
from generators.packages import versions
from specs.catalogue import Operation

Work = dict[str, dict[str, bytes]]
Outcomes = dict[str, Any]  # "<folder>/<name>.script" to {"rows": ...} or {"error": ...}
READ = 3  # trials whose column names the tests are read with
CALL = "\n\nimport json\njson.dump({function}(json.load(open('rows.json'))), open('result.json', 'w'))\n"
TESTS = """\
import json, sys, types, unittest
def made(name, text):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, 'exec'), module.__dict__)
    return module
made({stem!r}, {module!r})
result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromModule(made('reference', {tests!r})).run(result)
json.dump({{'ran': result.testsRun, 'passes': result.wasSuccessful()}}, open('result.json', 'w'))
"""


def fitting(tried: Sequence[Trial]) -> list[Trial]:
    """Trials whose measures have decimals: a package takes them as text."""
    return [
        t for t in tried if all(c.decimals for b in bindings(t.step, t.bases, []).values() for c in b.names.values() if c.role == "measure")
    ]


def work(operation: Operation, tried: Sequence[Trial]) -> Work:
    """Scripts that call each version of the module on each trial's rows; for tests, others that run them on each version."""
    spec = operation.spec
    found: Work = {}
    for number, trial in enumerate(tried):
        texts = versions(operation, trial.step.names)
        run = CALL.format(function=spec["function"])
        rows = json.dumps(code.objects(trial.bases[trial.main])).encode()
        found[f"d{number:04}"] = {"rows.json": rows} | {f"{name}.script": (text + run).encode() for name, text in texts.items()}
        if spec["yields"]["as"] == "tests" and number < READ:
            found[f"t{number:04}"] = dict(_tested(operation, trial, texts))
    return found


def _tested(operation: Operation, trial: Trial, texts: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The reference tests on each version, and on a demand's fault without what the demand asks for."""
    stem = operation.spec["module"].rpartition("/")[2].removesuffix(".py")
    reference = code.filled(operation.solution, trial.step.names)
    for name, text in texts.items():
        yield f"{name}.script", TESTS.format(stem=stem, module=text, tests=reference).encode()
    for demand, how in operation.spec["demands"].items():
        lacking = tests.without(reference, demand)
        yield f"{demand}-ignored.script", TESTS.format(stem=stem, module=texts[how["mutant"]["fault"]], tests=lacking).encode()


def complaints(operation: Operation, tried: Sequence[Trial], got: Outcomes) -> Iterator[Complaint]:
    """The right versions agree with the truth on every draw; each fault shows on some, or else in the reference tests."""
    spec = operation.spec
    expected = [code.objects(t.answer, list(spec["yields"]["columns"])) for t in tried]
    rights = ["right", *(["second"] if operation.second else [])]
    for name in rights:
        wrong = [n for n, rows in enumerate(expected) if got[f"d{n:04}/{name}.script"].get("rows") != rows]
        if wrong:
            first = min(wrong, key=lambda n: len(tried[n].answer.rows))
            outcome = got[f"d{first:04}/{name}.script"]
            what = (
                f"e.g. on {tried[first].domain}: expected {expected[first][:2]}, got {str(outcome.get('rows', outcome.get('error')))[:200]}"
            )
            place, who = (("source",), "the package") if name == "right" else (("second",), "the second version")
            yield Complaint(place, f"{who} and the truth disagree on {len(wrong)} of {len(tried)} draws; {what}")
    if spec["yields"]["as"] == "tests":
        yield from _told(operation, rights, got)
        return
    for index, fault in enumerate(spec["faults"]):
        if all(got[f"d{n:04}/{fault['name']}.script"].get("rows") == rows for n, rows in enumerate(expected)):
            yield Complaint(("faults", index), f"the fault '{fault['name']}' shows on none of {len(tried)} draws")


def _told(operation: Operation, rights: Sequence[str], got: Outcomes) -> Iterator[Complaint]:
    """The reference tests pass on what is right, fail on each fault, and each demand's part of them is needed."""
    places = sorted({path.partition("/")[0] for path in got if path.startswith("t")})

    def passes(name: str) -> list[bool]:
        runs = [got[f"{place}/{name}.script"] for place in places]
        return [bool(run.get("rows", {}).get("passes") and run["rows"]["ran"]) for run in runs]

    for name in rights:
        if not all(passes(name)):
            yield Complaint(("solution",), f"the tests do not pass on the {name} version")
    for index, fault in enumerate(operation.spec["faults"]):
        if any(passes(fault["name"])):
            yield Complaint(("faults", index), f"the tests do not notice the fault '{fault['name']}'")
    for demand in operation.spec["demands"]:
        if not all(passes(f"{demand}-ignored")):
            yield Complaint(("demands", demand), f"without test_{demand} the tests notice its fault all the same")
