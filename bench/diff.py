"""What an edit of YAML does to the dataset, as Markdown: `python -m bench.diff --base REVISION`.

The specs of the working tree are compared with those of the revision at which it left BASE. Both are planned and compiled with the code
of the working tree, so that a difference is the YAML's. Only tasks whose key differs are compiled, and only those that
came out differently are audited: it costs what changed.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import edits, revisions, sides
from bench.diff_page import TITLE, Audited, render
from bench.edits import Edit
from bench.markdown import code, page, table
from sandbox.box import configured_box
from specs import errors, params, validate
from specs.errors import BoundaryError, Problem, UserError
from specs.store import Store
from verifiers import audit

CODE = ("generators", "specs/*.py", "sandbox", "verifiers", "constraints.txt")
LISTED = 5
TOLD = 20


def diff(commit: str, workers: int, audited: bool, store: Store, notes: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The page about the working tree against a commit; and why the build would fail, in words.

    Raises UserError for specs of the working tree that are wrong, BoundaryError where a box or git fails.
    """
    _refuse(validate.validate(Path())[1])
    with revisions.laid_out(commit) as root:
        if root is None:
            raise BoundaryError("git", f"{commit} can't be laid out")
        if wrong := validate.validate(root)[1]:
            return _incomparable(wrong, notes), []
        edit = edits.compare(sides.side(root), sides.side(Path()), workers)
    found = _audited(edit, store) if audited else None
    failing = edits.excess(edit, found.after if found else ())
    return render(edit, found, notes, failing, functools.partial(edits.instruction, store)), failing


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise UserError(problems)


def _audited(edit: Edit, store: Store) -> Audited:
    workers = params.section("audit")["workers"]
    kinds, open_box = edit.kinds, configured_box()
    before = [edit.before[i] for i, kind in kinds.items() if kind != "added"]
    after = [edit.after[i] for i, kind in kinds.items() if kind != "removed"]
    return Audited(*(audit.cards([edits.case_of(store, s) for s in side], workers, store, open_box) for side in (before, after)))


def _incomparable(wrong: Sequence[Problem], notes: Sequence[str]) -> str:
    why = "The specs before this change do not validate with the code of this change, so that there is nothing to compare with."
    listed = table(["where", "what"], ([code(f"{p.path}:{p.line}"), code(f"{p.where} {p.what}", 200)] for p in wrong), TOLD)
    return page([TITLE, why, *notes, listed])


def notes_of(base: str, commit: str, tip: str) -> list[str]:
    """What a reader has to know of how it was compared, as Markdown."""
    found = []
    if commit != tip:
        found.append(f"Compared with {code(commit[:12])}, where this left {code(base)}.")
    if changed := revisions.differing(commit, CODE):
        listed = ", ".join(code(name) for name in changed[:LISTED]) + (" and others" if len(changed) > LISTED else "")
        found.append(
            f"Code changes too: {listed}. What that does to tasks is not shown: the specs of both sides are compiled with the new code."
        )
    return found


def main(argv: Sequence[str]) -> int:
    """Write the page, and return 1 where the edit's rejections alone would fail the build."""
    parser = argparse.ArgumentParser(prog="python -m bench.diff", description="What an edit of YAML does to the dataset, as Markdown.")
    parser.add_argument("--base", required=True, help="a branch, a tag or a commit")
    parser.add_argument("--out", type=Path, help="a file for the page, in place of the standard output")
    parser.add_argument("--no-audit", action="store_true", help="compile only, where there are no boxes")
    parser.add_argument("--workers", type=int, default=params.section("compile")["workers"])
    args = parser.parse_args(argv)
    tip = revisions.commit_of(args.base)
    commit = revisions.fork(tip)
    store = Store()
    text, failing = diff(commit, args.workers, not args.no_audit, store, notes_of(args.base, commit, tip))
    store.close()
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.buffer.write(text.encode())
    for why in failing:
        print(f"the build would fail: {why}", file=sys.stderr)
    return 1 if failing else 0


if __name__ == "__main__":
    errors.run(main)
