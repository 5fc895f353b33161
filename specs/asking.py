"""Asking a model: many exchanges at a time, every reply kept when it comes, nothing asked twice."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from specs.endpoint import CallFailed, Endpoint
from specs.recorded import Records, Response, response_to
from specs.replies import Reply, Request, Talk
from specs.store import Store

FATAL = ("http-401", "http-403", "http-404")  # a wrong key, path or model: no other call would fare better
GIVE_UP = 8  # calls that fail one after the other, each with its retries: the endpoint is gone
T = TypeVar("T")


@dataclass
class Account:
    """What a run came to. `asked` and `known` count replies, `failed` exchanges by reason; a failure is the machinery's."""

    asked: int = 0
    known: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    responses: list[Response] = field(default_factory=list)


class Asker(Generic[T]):
    """Carries exchanges out. Replies come from the records, else from the store under `stage`, else from the endpoint.

    `book` gets the task and the outcome of each exchange that ends; `advance` is called after each.
    """

    def __init__(
        self,
        stage: str,
        endpoint: Endpoint,
        records: Records,
        store: Store,
        book: Callable[[str, T], None],
        advance: Callable[[], None] = lambda: None,
    ):
        self.account = Account()
        self._stage, self._endpoint, self._records, self._store = stage, endpoint, records, store
        self._book, self._advance = book, advance
        self._failed_in_a_row = 0
        self._locks: dict[str, asyncio.Lock] = {}

    def run(self, exchanges: Iterable[tuple[str, Talk[T]]], concurrency: int) -> None:
        """Have all exchanges, given by task, `concurrency` at a time.

        A call that fails is counted and leaves its exchange for another run. Raises CallFailed where no call can succeed; what was
        answered until then is in the account.
        """
        try:
            asyncio.run(self._all(iter(exchanges), concurrency))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _all(self, todo: Iterator[tuple[str, Talk[T]]], concurrency: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(self._work(todo))
        finally:
            await self._endpoint.close()

    async def _work(self, todo: Iterator[tuple[str, Talk[T]]]) -> None:
        for task, talk in todo:
            try:
                outcome = await self._have(task, talk)
            except CallFailed as error:
                self.account.failed[error.reason] += 1
                self._failed_in_a_row += 1
                if error.reason in FATAL or self._failed_in_a_row >= GIVE_UP:
                    raise
            else:
                self._book(task, outcome)
            self._advance()

    async def _have(self, task: str, talk: Talk[T]) -> T:
        recorded = self._records.of(task)
        try:
            request = next(talk)
            while True:
                response = recorded.get(request.digest)
                reply = response.reply if response else await self._reply(request)
                self.account.known += response is not None
                self.account.responses.append(response or response_to(task, request, reply))
                request = talk.send(reply)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    async def _reply(self, request: Request) -> Reply:
        async with self._locks.setdefault(request.digest, asyncio.Lock()):  # two that ask the same get the same answer
            kept = self._store.get(self._stage, request.digest)
            if kept is not None:
                self.account.known += 1
                return Reply(**kept)
            reply = await self._endpoint.ask(request)
            self._store.put(self._stage, request.digest, dataclasses.asdict(reply))
            self.account.asked += 1
            self._failed_in_a_row = 0
            return Reply(**(self._store.get(self._stage, request.digest) or {}))  # what another process may have put first
