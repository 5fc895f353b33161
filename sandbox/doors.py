"""What a box has beyond its files: a socket of the host, and folders of the host that it may read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.faults import BoxError

ENDPOINT = "/run/endpoint.sock"  # where the socket is inside
MOUNTS = "/opt"  # beneath which the folders lie inside


@dataclass(frozen=True)
class Doors:
    """`endpoint`: the path of a unix socket on the host that is ENDPOINT inside, or empty; `mounts`: (folder on the host, path inside,
    beneath MOUNTS), each read-only. The user of boxes has to be able to reach either. They are the only ways out and in."""

    endpoint: str = ""
    mounts: tuple[tuple[str, str], ...] = ()

    def checked(self) -> Doors:
        """These. Raises BoxError for a mount that lies elsewhere inside, or over another."""
        inside = [PurePosixPath(path) for _, path in self.mounts]
        for path in inside:
            if ".." in path.parts or PurePosixPath(MOUNTS) not in path.parents:
                raise BoxError(f"{path} doesn't lie beneath {MOUNTS}")
            if any(path in other.parents for other in inside) or inside.count(path) > 1:
                raise BoxError(f"{path} would be hidden or hide another")
        return self

    def bound(self) -> Iterator[tuple[str, str, bool]]:
        """(path on the host, path inside, whether it may be written to)."""
        if self.endpoint:
            yield self.endpoint, ENDPOINT, True
        for host, inside in self.mounts:
            yield host, inside, False


CLOSED = Doors()
