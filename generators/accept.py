"""The stage `accept`: an operation is used only if truth and solution agree on hostile draws and its demands speak of all that counts.

Truth (SQL in DuckDB) and solution (Python over rendered files) share no code. All draws of an operation run in one box.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from generators import compile, database, demands, hostile, making, operate, order_trials, package_trials, playing, scripts, words
from generators.chain import bindings
from generators.demands import Complaint, Findings
from generators.hostile import Trial
from generators.operate import Fruitless, Roleless
from generators.questions import Database
from generators.relations import Relation, in_order, written
from generators.statements import TruthError
from sandbox import box
from sandbox.backends import configured
from specs import catalogue, digests, errors, layout, located, params, records
from specs.catalogue import Catalogue, Operation
from specs.errors import BoundaryError, Problem, UserError
from specs.progress import track
from specs.store import Store

CAPS = box.Caps(cpu_seconds=300)
TIMEOUT_S = 240
SHRINKS = 6
SHOWN_ROWS = 6
DRIVER = """\
import json, os
root, found = os.getcwd(), {}
for place in sorted(os.listdir(root)):
    if not os.path.isdir(os.path.join(root, place)):
        continue
    os.chdir(os.path.join(root, place))
    for name in sorted(n for n in os.listdir() if n.endswith('.script')):
        try:
            exec(compile(open(name, encoding='utf-8').read(), name, 'exec'), {'__name__': 'script'})
            found[place + '/' + name] = {'rows': json.load(open('result.json', encoding='utf-8'))}
        except BaseException as error:
            found[place + '/' + name] = {'error': type(error).__name__ + ': ' + str(error)}
        if os.path.exists('result.json'):
            os.remove('result.json')
json.dump(found, open(os.path.join(root, 'outcomes.json'), 'w', encoding='utf-8'))
"""
DUMP = """\
def shown(value, kind, decimals):
    if value is None:
        return None
    if kind in ("number", "integer"):
        return f"{Decimal(str(value)):.{decimals}f}"
    if kind == "timestamp":
        return datetime.fromisoformat(str(value)).isoformat(timespec="minutes")
    return str(value)
"""


def accept(operation: Operation, domains: list[dict[str, Any]], draws: int, seed: str) -> Findings:
    """Try one operation on `draws` hostile draws of the domains that fit. Raises BoundaryError where the box fails."""
    found = Findings()
    with database.connect() as db:
        lost: hostile.Lost = []
        try:
            tried = list(hostile.trials(db, operation, domains, seed, draws, lost))
        except TruthError as error:
            found.complaints.append(Complaint(("truth",), f"the truth fails: {error}"))
            return found
        found.draws = len(tried)
        if not tried:
            found.complaints.append(_unserved(operation, lost))
            return found
        found.complaints += [_unsteady(steps, trial) for steps, trial in order_trials.unsteady(db, operation, tried)]
        if operation.packaged:
            tried = package_trials.fitting(tried)
            found.complaints += package_trials.complaints(operation, tried, outcomes(package_trials.work(operation, tried)))
            return found
        planted = demands.mutants(db, operation, tried, found)
        _agreement(db, operation, [*tried, *planted], found)
        demands.spoken(db, operation, tried, found)
    return found


def _unserved(operation: Operation, lost: hostile.Lost) -> Complaint:
    """Why no draw served: the truth gives nothing, the parameters find nothing, or there are no such relations."""
    barren = [(domain, why) for domain, why in lost if isinstance(why, Fruitless)]
    if barren:
        domain, why = min(barren, key=lambda pair: len(next(iter(pair[1].inputs.values())).relation.rows))
        main = next(iter(why.inputs.values())).relation
        what = str(why).removeprefix(f"{operation.id} ")
        return Complaint(("truth",), f"{what} on any of {len(barren)} draws; e.g. {_given(domain, main, '', why.params)}")
    reasons = Counter(str(why) for _, why in lost if not isinstance(why, Roleless))
    if reasons:
        return Complaint(("takes",), f"none of {reasons.total()} draws serves it; most often: {reasons.most_common(1)[0][0]}")
    return Complaint(("takes",), "no domain has relations that serve it")


def _unsteady(steps: order_trials.Steps, trial: Trial) -> Complaint:
    given = _given(trial.domain, trial.bases[trial.main], "", trial.step.params)
    return Complaint(steps, f"with rows in another order it yields others; order by more columns, down to the key; e.g. {given}")


def script_of(operation: Operation, trial: Trial) -> str:
    """The solution over the trial's files, its result dumped as canonical rows."""
    bound = bindings(trial.step, trial.bases, [])
    inputs = {n: (b, trial.sources[trial.step.inputs[n].base]) for n, b in bound.items()}
    names = making._columns(trial.step, trial.answer)
    shown = [(n, c.kind, c.decimals) for n, c in zip(names, trial.answer.columns, strict=True)]
    dump = [DUMP, f"json.dump([[shown(r[n], k, d) for n, k, d in {shown!r}] for r in result], open('result.json', 'w'))"]
    return scripts.script(inputs, playing.script_params(trial.step, bound), operation.solution, ([], dump))


def outcomes(work: dict[str, dict[str, bytes]], pages: dict[str, bytes] | None = None) -> dict[str, Any]:
    """Run every `*.script` of each folder in one box, which serves `pages`: path to {"rows": ...} or {"error": ...}.

    Raises BoundaryError("box").
    """
    served = [records.Service("site", tuple(records.file_of(path, data) for path, data in pages.items()))] if pages else []
    files = [records.file_of(f"{place}/{path}", data) for place, inner in work.items() for path, data in inner.items()]
    try:
        with box.open_box([records.file_of("driver.py", DRIVER.encode()), *files], CAPS, served, configured()) as running:
            result = running.exec("python3 driver.py", timeout_s=TIMEOUT_S)
            if result.status != 0:
                raise BoundaryError("box", f"the solutions' driver ended with {result.status}: {result.output[-300:]}")
            found: dict[str, Any] = json.loads(running.read("outcomes.json"))
            return found
    except (box.BoxLimit, OSError) as error:
        raise BoundaryError("box", str(error)) from error


def _run(operation: Operation, tried: Sequence[Trial]) -> list[Any]:
    """What the solution makes of each trial: canonical rows as `content` has them, or its error's text."""
    placed = [t.below(f"d{n:04}") for n, t in enumerate(tried)]
    work = {f"d{n:04}": {**t.files(), "solve.script": script_of(operation, t).encode()} for n, t in enumerate(placed)}
    found = outcomes(work, {path: page for t in placed for path, page in t.pages().items()})
    return [_comparable(found[f"d{n:04}/solve.script"], t.answer) for n, t in enumerate(tried)]


def _comparable(outcome: dict[str, Any], answer: Relation) -> Any:
    if "error" in outcome:
        return outcome["error"]
    rows = [tuple(row) for row in outcome["rows"]]
    return rows if answer.ordered else in_order(rows)


def _agreement(db: Database, operation: Operation, tried: Sequence[Trial], found: Findings) -> None:
    failing = [t for t, got in zip(tried, _run(operation, tried), strict=True) if got != t.answer.content]
    if not failing:
        return
    smallest, got = _shrunk(db, operation, min(failing, key=lambda t: (len(t.bases[t.main].rows), t.number)))
    found.complaints.append(
        Complaint(("solution",), f"truth and solution disagree on {len(failing)} of {len(tried)} draws; {_example(smallest, got)}")
    )


def _shrunk(db: Database, operation: Operation, trial: Trial) -> tuple[Trial, Any]:
    """The trial with rows left out as long as truth and solution still disagree, and what the solution gives there."""
    got = _run(operation, [trial])[0]
    for _ in range(SHRINKS):
        smaller = [t for t in map(lambda rows: _with_rows(db, operation, trial, rows), _fewer(trial)) if t]
        results = _run(operation, smaller) if smaller else []
        still = [(t, g) for t, g in zip(smaller, results, strict=True) if g != t.answer.content]
        if not still:
            break
        trial, got = min(still, key=lambda pair: len(pair[0].bases[pair[0].main].rows))
    return trial, got


def _fewer(trial: Trial) -> Iterable[list[Any]]:
    """The main relation's rows without a half, a quarter, or one of them."""
    rows = list(trial.bases[trial.main].rows)
    for size in sorted({max(1, len(rows) // 2), max(1, len(rows) // 4), 1}, reverse=True):
        for start in range(0, len(rows), size):
            if len(rows) > size:
                yield rows[:start] + rows[start + size :]


def _with_rows(db: Database, operation: Operation, trial: Trial, rows: list[Any]) -> Trial | None:
    bases = {**trial.bases, trial.main: trial.bases[trial.main].with_rows(rows)}
    try:
        answer = operate.answer(db, operation, bindings(trial.step, bases, []), trial.step.params)
    except TruthError:
        return None
    return dataclasses.replace(trial, bases=bases, answer=answer)


def _example(trial: Trial, got: Any) -> str:
    given = _given(trial.domain, trial.bases[trial.main], f" as {trial.form}", trial.step.params)
    return f"e.g. {given}: the truth is {_few(trial.answer.content)}, the solution gives {got if isinstance(got, str) else _few(got)}"


def _given(domain: str, main: Relation, form: str, params: dict[str, Any]) -> str:
    """The first rows of a draw, and the parameters."""
    given = [",".join(written(v, c) or "" for v, c in zip(row, main.columns, strict=True)) for row in main.rows]
    more = f" and {len(given) - SHOWN_ROWS} more" if len(given) > SHOWN_ROWS else ""
    asked = ", ".join(f"{n} = {words.spoken(v, 'iso')}" for n, v in params.items())
    return f"{domain}'s {main.name}{form}{f' with {asked}' if asked else ''}: {'; '.join(given[:SHOWN_ROWS])}{more}"


def _few(rows: Sequence[Sequence[str | None]]) -> str:
    lines = ["(" + ", ".join("-" if v is None else v for v in row) + ")" for row in rows[:SHOWN_ROWS]]
    return " ".join(lines) + (" ..." if len(rows) > SHOWN_ROWS else "") if lines else "nothing"


def fitting(specs: Catalogue, operation: Operation) -> list[str]:
    """Names of the domains with relations that might serve the operation."""
    return [name for name, domain in sorted(specs.domains.items()) if hostile.families(operation, domain.value)]


def key(specs: Catalogue, operation: Operation, section: dict[str, Any]) -> str:
    """Digest of all that accepting one operation depends on."""
    domains = [specs.domains[name].digest for name in fitting(specs, operation)]
    return digests.digest([operation.id, operation.spec.digest, domains, section["draws"], section["seed"], compile.code_digest()])


@functools.cache
def _specs() -> Catalogue:
    return catalogue.load()


def make(specs: Catalogue, operation: Operation, section: dict[str, Any], store: Store) -> Findings:
    """One operation's findings, from the store where they are kept."""
    item = key(specs, operation, section)
    kept = store.get("accept", item)
    if kept is None:
        domains = [specs.domains[name].value for name in fitting(specs, operation)]
        random.Random(f"{section['seed']}/{operation.id}").shuffle(domains)
        found = accept(operation, domains, section["draws"], str(section["seed"]))
        kept = json.loads(json.dumps(dataclasses.asdict(found)))
        store.put("accept", item, kept)
    return Findings(kept["draws"], kept["clauses"], kept["unspoken"], [Complaint(tuple(c["steps"]), c["what"]) for c in kept["complaints"]])


def _made(identity: str, section: dict[str, Any]) -> Findings:
    """The findings of one operation, in a process of the pool."""
    with contextlib.closing(Store()) as store:
        return make(_specs(), _specs().operation(identity), section, store)


def problems(operation: Operation, complaints: Iterable[Complaint]) -> list[Problem]:
    """Complaints with their places in the operation's file as it is now."""
    document = located.load(Path(operation.spec.path))
    at = next(i for i, e in enumerate(document.value["operations"]) if e["name"] == operation.spec.name)
    return [document.problem(("operations", at, *c.steps), c.what) for c in complaints]


def main(argv: Sequence[str]) -> int:
    """`python -m generators.accept [OPERATION...]`. Raises UserError with all operations that are not accepted."""
    parser = argparse.ArgumentParser(prog="python -m generators.accept", description=__doc__)
    parser.add_argument("operations", nargs="*", help="such as ledger.top; all of them where none is named")
    wanted = parser.parse_args(argv).operations
    section = params.section("accept")
    chosen = [o for o in _specs().operations() if not wanted or o.id in wanted]
    unknown = sorted(set(wanted) - {o.id for o in chosen})
    if unknown:
        raise UserError([Problem("skills", 1, 1, "", f"no operation '{name}'") for name in unknown])
    results = {}
    with track("accept", len(chosen)) as advance, ProcessPoolExecutor(section["workers"]) as pool:
        identities = [o.id for o in chosen]
        for identity, found in zip(identities, pool.map(_made, identities, [section] * len(chosen)), strict=True):
            results[identity] = found
            advance()
    if not wanted:
        _write_metrics(results)
    told = [p for o in chosen for p in problems(o, results[o.id].complaints)]
    if told:
        raise UserError(told)
    print(f"accepted {len(chosen)} operations on {sum(f.draws for f in results.values())} draws")
    return 0


def _write_metrics(results: dict[str, Findings]) -> None:
    figures = {
        "operations": len(results),
        "accepted": sum(not f.complaints for f in results.values()),
        "draws": sum(f.draws for f in results.values()),
        "clauses": sum(f.clauses for f in results.values()),
        "unspoken": sum(f.unspoken for f in results.values()),
    }
    layout.METRICS.mkdir(exist_ok=True)
    (layout.METRICS / "accept.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    errors.run(main)
