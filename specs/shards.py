"""Shards: Parquet files of one record class, `<split>/<prefix of id>.parquet`, sorted by id, byte-identical for equal records."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from specs import layout, rows

T = TypeVar("T")
ROWS = 64  # of a row group: as many records are in memory at a time, however large the shard
PART = 1024  # records that a stage which looks up others by them holds at a time


class Writer:
    """Writes records of `cls` under `root`, replacing what is there, as they come in order of split and id."""

    def __init__(self, root: Path, cls: type[Any]):
        self._root, self._name, self._schema = root, cls.__name__, rows.schema_of(cls)
        self._last, self._shard = ("", ""), ("", "")
        self._group: list[pa.RecordBatch] = []
        self._file: pq.ParquetWriter | None = None
        if root.exists():
            shutil.rmtree(root)
        root.mkdir(parents=True)

    def add(self, split: str, row: dict[str, Any]) -> None:
        """Write the row of one record. Raises ValueError for one that is not behind the last."""
        self.add_batch(split, str(row["id"]), pa.RecordBatch.from_pylist([row], schema=self._schema))

    def add_batch(self, split: str, identity: str, batch: pa.RecordBatch) -> None:
        """Write one record that is a row of Arrow already. Raises ValueError for one that is not behind the last."""
        place = (split, identity)
        if place <= self._last:
            raise ValueError(f"{self._name} {place[1]} of {split} comes after {self._last[1]} of {self._last[0]}")
        self._last = place
        if (split, place[1][0]) != self._shard:
            self.close()
            self._shard = (split, place[1][0])
        self._group.append(batch)
        if len(self._group) == ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._group:
            return
        if self._file is None:
            split, prefix = self._shard
            (self._root / split).mkdir(exist_ok=True)
            self._file = pq.ParquetWriter(self._root / split / f"{prefix}.parquet", self._schema, compression="zstd", store_schema=True)
        self._file.write_table(pa.Table.from_batches(self._group, self._schema).combine_chunks())
        self._group = []

    def close(self) -> None:
        """Finish the shard at hand."""
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        elif self._file is not None:
            with suppress(Exception):  # what went wrong is on its way already; a file that can't be written can't be finished either
                self._file.close()


def write(root: Path, cls: type[T], items: Iterable[tuple[str, T]]) -> int:
    """Write (split, record) pairs under `root`, in any order, replacing what is there; returns how many.

    A shard holds the records whose id starts with one character; records of one split have unique ids.
    Raises ValueError for a doubled id.
    """
    ordered = sorted(items, key=lambda item: (item[0], item[1].id))  # type: ignore[attr-defined]
    for before, after in pairwise(ordered):
        if before[0] == after[0] and before[1].id == after[1].id:  # type: ignore[attr-defined]
            raise ValueError(f"{cls.__name__} {after[1].id} occurs twice in {after[0]}")  # type: ignore[attr-defined]
    with Writer(root, cls) as writer:
        for split, record in ordered:
            writer.add(split, rows.to_row(record))
    return len(ordered)


def read(root: Path, cls: type[T], split: str | None = None, ids: Iterable[str] | None = None) -> Iterator[T]:
    """Records under `root`, in order of split and id; only those of `split` and of `ids` where given.

    Of a class that has some fields of the records' own, only these are read. Raises UserError where `root` is missing: the stage before
    has not run.
    """
    wanted = None if ids is None else set(ids)
    fields = rows.schema_of(cls).names
    for path in _paths(root, split):
        if wanted is not None and not any(i[0] == path.stem for i in wanted):
            continue
        for group in _groups(path, wanted, fields):
            for row in group.to_pylist():
                yield rows.from_row(cls, row)


def by_id(root: Path, cls: type[T], ids: Iterable[str], split: str | None = None) -> dict[str, T]:
    """Those records by their ids, in order of split and id. Raises UserError as `read` does."""
    return {record.id: record for record in read(root, cls, split, ids)}  # type: ignore[attr-defined]


def columns(root: Path, names: Iterable[str], split: str | None = None) -> Iterator[dict[str, Any]]:
    """Only those (also nested) columns of the shards under `root`, a dictionary a record, in order of split and id.

    Raises UserError as `read` does.
    """
    wanted = list(names)
    for path in _paths(root, split):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=256, columns=wanted):
            yield from batch.to_pylist()


def parts(records: Iterable[T], size: int = PART) -> Iterator[list[T]]:
    """The records in lists of `size`, the last perhaps shorter, so that what is looked up for a list goes with it."""
    rest = iter(records)
    while part := list(islice(rest, size)):
        yield part


def listed(root: Path) -> Iterator[tuple[str, str]]:
    """(split, id) of all records under `root`, in order. Raises UserError as `read` does."""
    for path in _paths(root, None):
        for identity in pq.read_table(path, columns=["id"]).column("id").to_pylist():
            yield path.parent.name, identity


def _paths(root: Path, split: str | None) -> list[Path]:
    if not layout.present(root).is_dir():
        raise NotADirectoryError(f"{root} is to be a folder of shards")
    return sorted(root.glob(f"{split or '*'}/*.parquet"))


def _groups(path: Path, wanted: set[str] | None, fields: list[str]) -> Iterator[pa.Table]:
    """These columns of a shard's row groups, with the wanted rows alone; what holds none of these is not read."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            if wanted is None:
                yield file.read_row_group(number, columns=fields)
                continue
            mask = [i in wanted for i in file.read_row_group(number, columns=["id"]).column("id").to_pylist()]
            if any(mask):
                yield file.read_row_group(number, columns=fields).filter(pa.array(mask))


def find(root: Path, cls: type[T], identity: str) -> T | None:
    """The record of that id in any split, or None."""
    return next(iter(read(root, cls, ids=[identity])), None) if identity else None
