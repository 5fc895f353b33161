"""The keyed store of finished items: what lets every stage be killed at any moment and go on.

DVC deletes a stage's outputs before it runs the stage, so finished items live here, outside the outputs. An item
is put in one transaction when it is finished; a stage then exports exactly the items its current inputs name.
Deleting the file costs time and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from specs import rows
from specs.errors import BoundaryError

T = TypeVar("T")
TABLE = "CREATE TABLE IF NOT EXISTS items(stage TEXT, key TEXT, value BLOB, PRIMARY KEY(stage, key)) WITHOUT ROWID"
OPENINGS, OPENING_S = 200, 0.05  # how often a store that others are making is tried, and the seconds between
DEFAULT = Path(os.environ.get("CLAWGYM_STORE", ".clawgym/store.sqlite"))


class Store:
    """Items by (stage, key). Safe for several processes and threads: each call opens its own transaction.

    Raises BoundaryError("store") where the file can't be opened or written (a full disk, first of all); what was kept stays.
    """

    def __init__(self, path: Path = DEFAULT):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise self._fault(error) from error
        self._prepare()

    def _prepare(self) -> None:
        """Make the table. SQLite does not wait for others while it turns the write-ahead log on, so this does."""
        for tries in range(OPENINGS, 0, -1):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.execute(TABLE)
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or tries == 1:
                    raise self._fault(error) from error
                time.sleep(OPENING_S)

    def put(self, stage: str, key: str, record: Any) -> None:
        """Keep a record (a dataclass of specs.records or a JSON value). An item already kept under the key stays."""
        self.put_packed(stage, key, rows.packed(record))

    def put_packed(self, stage: str, key: str, record: bytes, replace: bool = False) -> None:
        """Keep a record that is packed already (specs/rows.py); with `replace` in place of what is kept under the key."""
        how = "INSERT OR REPLACE" if replace else "INSERT OR IGNORE"
        try:
            self._db.execute(f"{how} INTO items VALUES(?, ?, ?)", (stage, key, record))
        except sqlite3.OperationalError as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> BoundaryError:
        return BoundaryError("store", f"{self.path}: {error}; what was finished before is kept, run again when this is mended")

    def get(self, stage: str, key: str) -> Any | None:
        """The JSON value kept under the key, or None."""
        row = self._db.execute("SELECT value FROM items WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return None if row is None else rows.unpacked(row[0])

    def kept(self, stage: str, key: str) -> Any:
        """The JSON value kept under the key. Raises BoundaryError("store") where what was kept is gone."""
        found = self.get(stage, key)
        if found is None:
            raise BoundaryError("store", f"{self.path}: what {stage} had kept is gone; run again")
        return found

    def record(self, stage: str, key: str, cls: type[T]) -> T | None:
        """The record of class `cls` kept under the key, or None."""
        value = self.get(stage, key)
        return None if value is None else rows.from_row(cls, value)

    def missing(self, stage: str, keys: Iterable[str]) -> Iterator[str]:
        """Those of `keys` that are not kept, in the order given."""
        for key in keys:
            if self._db.execute("SELECT 1 FROM items WHERE stage = ? AND key = ?", (stage, key)).fetchone() is None:
                yield key

    def close(self) -> None:
        self._db.close()
