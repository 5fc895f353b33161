"""Mistakes of a user, located; and the thin shell that turns them into an exit code."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: where in which file, what part of the document, what is wrong, what would help."""

    path: str
    line: int
    column: int
    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        where = f" {self.where}:" if self.where else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}:{where} {self.what}{hint}"


class UserError(Exception):
    """One or more mistakes that the user can mend."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[UserError], tuple[list[Problem]]]:
        return UserError, (self.problems,)


class BoundaryError(Exception):
    """Machinery that failed; `boundary` names which: box, endpoint, harness, judge, grader, store.

    What another process raises arrives as this class, whichever of its kinds it was.
    """

    def __init__(self, boundary: str, message: str):
        self.boundary = boundary
        super().__init__(message)

    def __reduce__(self) -> tuple[type[BoundaryError], tuple[str, str]]:
        return BoundaryError, (self.boundary, str(self))


def run(main: Callable[[Sequence[str]], int]) -> None:
    """Call a stage's `main` with the command line and exit: 1 with the located lines for a user's mistake, 2 for machinery that failed."""
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except BoundaryError as error:
        print(f"{error.boundary}: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(f"disk: {error}; finished items are kept, run again when there is room", file=sys.stderr)
        sys.exit(2)
