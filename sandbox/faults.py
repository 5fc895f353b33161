"""The two ways a box ends an episode: the machinery failed, or the box used up what it was given."""

from __future__ import annotations

from specs.errors import BoundaryError


class BoxError(BoundaryError):
    """The machinery of a box failed; nobody inside is to blame."""

    def __init__(self, message: str):
        super().__init__("box", message)


class BoxLimit(Exception):
    """The box hit one of its caps and is over. `which`: memory | pids | cpu | disk."""

    def __init__(self, which: str, message: str):
        self.which = which
        super().__init__(message)
