"""The truth: plain SQL over views whose columns are named by what an operation takes. DuckDB in memory, one thread."""

from __future__ import annotations

import atexit
import contextlib
import functools
from collections import OrderedDict
from collections.abc import Hashable

import duckdb
import pyarrow as pa

from generators import views
from generators.questions import Answer, Database, Question
from generators.statements import Prepared, TruthError
from generators.views import Binding, Carried, Cut

SHELVES = 128  # sets of views that stay registered, each on a connection of its own; a statement prepared there may hold 1 MB
SEALED = {"threads": 1, "enable_external_access": False}  # SQL of specs reads no file and no network
FAILURES = (duckdb.Error, OverflowError)  # the latter for what Python has no value for
PLAIN = {"enable_optimizer": False}  # it costs more than it saves on tables of thirty rows


class View:
    """What is registered as a view: whatever table it holds when it is scanned. Other rows of the same columns need no other view."""

    def __init__(self, table: pa.RecordBatch) -> None:
        self.table = table

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_array__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


class Shelf:
    """A connection with its views, and what they hold."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.prepared = Prepared(connection)
        self.holds: Hashable = None
        self.carried = Carried()
        self._views: dict[str, View] = {}

    def hold(self, shown: Hashable, inputs: dict[str, Binding], cuts: dict[str, Cut]) -> None:
        """Have the views show these inputs, told by `shown` from others of the same columns."""
        if self.holds == shown:
            return
        carried = Carried()
        tables = {name: views.table(inputs[name].relation, part, carried) for name, part in cuts.items()}
        self.holds, self.carried = shown, carried
        self.show(tables)

    def show(self, tables: dict[str, pa.RecordBatch]) -> None:
        """Have the views of these names show these tables."""
        for name, table in tables.items():
            if name in self._views:
                self._views[name].table = table
            else:
                self._views[name] = View(table)
                self.connection.register(name, self._views[name])


class InMemory(Database):
    """A private in-memory database, single-threaded so that results do not depend on the machine.

    Views stay registered and statements prepared from one query to the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self._main = duckdb.connect(":memory:", config=SEALED | PLAIN)
        self._main.execute("SET lock_configuration = true")
        self._shelves: OrderedDict[Hashable, Shelf] = OrderedDict()  # the one asked longest ago comes first

    def answer(self, asked: Question) -> Answer:
        """The answer, made anew. Raises TruthError."""
        try:
            shelf = self.shelf(asked.shape)
            shelf.hold(asked.shown, asked.inputs, asked.cuts)
            cursor = shelf.prepared.run(asked.sql, asked.params)
            return shelf.carried.unpacked([d[0] for d in cursor.description], [tuple(r) for r in cursor.fetchall()])
        except FAILURES as error:
            raise TruthError(str(error).split("\n\n")[0]) from error

    def shelf(self, shape: Hashable) -> Shelf:
        """A connection whose views have that shape, and nothing else; the one asked longest ago goes where there are too many."""
        shelf = self._shelves.pop(shape, None)
        if shelf is None:
            if len(self._shelves) >= SHELVES:
                self._shelves.popitem(last=False)[1].connection.close()
            shelf = Shelf(self._main.cursor())
        self._shelves[shape] = shelf
        return shelf

    def close(self) -> None:
        """Give the memory back."""
        for connection in (*(s.connection for s in self._shelves.values()), self._main):
            connection.close()
        for kept in (self._shelves, self._answers):
            kept.clear()


def connect() -> contextlib.closing[InMemory]:
    """A database for a `with` block."""
    return contextlib.closing(InMemory())


@functools.cache
def of_process(pid: int) -> InMemory:
    """The database that this process (its pid) keeps for all its tasks: opening one costs as much as a dozen queries."""
    kept = InMemory()
    atexit.register(kept.close)
    return kept
