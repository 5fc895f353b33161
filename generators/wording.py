"""Asking a model to reword the instructions, by the section `wording` of params.yaml; `generators.compile` then takes what passed.

It is no stage: what a model says is recorded in specs/wordings/recorded, like any spec, and the build itself never asks anybody.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from generators.rewriting import byhand
from generators.rewriting.applying import settings_of
from generators.rewriting.exchange import Exchange, Settings, exchange
from generators.rewriting.records import Wording
from generators.rewriting.tally import STAGE, Reworded
from specs import catalogue, errors, layout, located, params, recorded, shards
from specs.asking import Account, Asker
from specs.endpoint import Endpoint, key_of
from specs.errors import BoundaryError, Problem, UserError
from specs.progress import track
from specs.store import Store

PARAMS = Path("params.yaml")


def compiled(ids: Sequence[str], full: bool = False) -> list[Wording]:
    """The compiled wordings of these tasks, of all where none is named. Raises UserError where they are not there."""
    root = layout.build(layout.WORDINGS, full)
    found = list(shards.read(root, Wording, ids=ids or None))
    missing = sorted(set(ids) - {w.id for w in found})
    if missing:
        raise UserError([Problem(str(root), 1, 1, "ID", f"no task '{i}'", "`make trace` takes a prefix of an id") for i in missing])
    return sorted(found, key=lambda w: w.id)


def ask(wordings: Sequence[Wording], section: dict[str, Any], settings: Settings, prune: bool) -> tuple[Account, Reworded]:
    """Have the exchanges and record every reply, whatever ends the run. Raises CallFailed where no call can succeed."""
    specs, store, tally = catalogue.load(), Store(), Reworded()

    def exchanges() -> Iterator[tuple[str, Exchange]]:
        for wording in wordings:
            yield wording.id, exchange(specs, wording, settings)

    with track("wording", len(wordings)) as advance:
        asker = Asker(STAGE, Endpoint(section, key_of(STAGE, section)), recorded.Records(), store, tally.book, advance)
        try:
            asker.run(exchanges(), int(section["concurrency"]))
        except BaseException:
            recorded.write(asker.account.responses)
            raise
    recorded.write(asker.account.responses, only=prune and not asker.account.failed)
    store.close()
    return asker.account, tally


def _problem(key: str, what: str, hint: str) -> Problem:
    return located.load(PARAMS).problem(("wording", key), what, hint)


def _said(account: Account, tally: Reworded) -> str:
    refused = ", ".join(f"{reason} {count}" for reason, count in sorted(tally.refused.items()))
    return (
        f"{account.asked} replies asked for, {account.known} known; {tally.rewritten} tasks reworded, "
        f"{sum(tally.refused.values())} refused{f' ({refused})' if refused else ''}"
    )


def main(argv: Sequence[str]) -> int:
    """`python -m generators.wording [--full] [--by-hand ID] [--prune] [ID...]`. Raises UserError where rewriting is off."""
    parser = argparse.ArgumentParser(prog="python -m generators.wording", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="tasks to ask about; all where none is named")
    parser.add_argument("--by-hand", metavar="ID", help="print an entry for specs/wordings to start from, and ask nobody")
    parser.add_argument("--prune", action="store_true", help="take out recorded responses that no task asks for any more")
    parser.add_argument("--full", action="store_true", help="about the tasks of the full build, in data/full")
    arguments = parser.parse_args(argv)
    if arguments.prune and arguments.ids:
        parser.error("--prune goes with all tasks")
    if arguments.by_hand:
        print(byhand.template(compiled([arguments.by_hand], arguments.full)[0]), end="")
        return 0
    section = params.section("wording")
    settings = settings_of(section)
    if settings is None:
        raise UserError([_problem("endpoint", "rewriting is off", "name an OpenAI-compatible URL here, and a model")])
    if not section.get("model"):
        raise UserError([_problem("model", "no model is named", "name one that the endpoint knows")])
    account, tally = ask(compiled(arguments.ids, arguments.full), section, settings, arguments.prune)
    print(_said(account, tally))
    if account.failed:
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(account.failed.items()))
        raise BoundaryError("endpoint", f"{sum(account.failed.values())} tasks could not be asked ({why}); run this again for them")
    print("`make repro` takes what passed", file=sys.stderr)
    return 0


if __name__ == "__main__":
    errors.run(main)
