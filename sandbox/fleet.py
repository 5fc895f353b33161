"""The executor of a fleet: attempts run on the machines of a Ray cluster, each with boxes of its own, and come back to this process.

One worker a machine opens the harness once and rolls out several attempts at a time. Attempts and rollouts travel as compressed JSON,
like the records in the store; what Ray pickles of them is bytes. What was under way on a machine that is lost is run anew on others,
and nothing is kept but what reaches this process, so nothing is doubled. Keys are in the machines' own environments.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox import agents, cgroups, episodes
from sandbox.agents import Agent, Recipe
from sandbox.box import Caps, Sandbox
from sandbox.episodes import Attempt
from sandbox.harnesses import HARNESSES
from sandbox.overdue import Watch
from sandbox.runner import Ended, Executor, ended, within
from specs import digests, rows
from specs.errors import BoundaryError
from specs.records import Json, Rollout, Usage

LOOK_S = 2.0  # between looks for machines that have come
ALONE_S = 300.0  # without any machine, before that is an error
LATE_S = 120.0  # beyond the time at which a worker itself gives an attempt up
CLOSE_S = 10.0  # for workers to end what they have opened
FETCH_S = 60.0  # for a rollout that has ended to come from its machine
LOSSES = 3  # of workers, until an attempt is taken to be what ends them; and in a row on one machine, until it is left alone


@dataclass(frozen=True)
class Order:
    """What a worker is to do, as data: `code` is the digest of ours, which must be its own; `boxes` what we say of boxes here."""

    recipe: Recipe
    harness: str
    settings: Json  # of the harness
    caps: Caps
    sandbox: Sandbox
    grace_s: float
    code: str
    boxes: Json


class Worker:
    """An actor: the harness on one machine, and attempts under it, several at a time."""

    def __init__(self) -> None:
        self._stack, self._watch = ExitStack(), Watch[Rollout]()

    def open(self, packed: bytes) -> str:
        """Open the harness as the order says; empty, or why this machine can't serve."""
        try:
            order = rows.from_row(Order, rows.unpacked(packed))
            if order.code != code():
                return "it has other code than the machine that asks; check out the same commit on both"
            if order.sandbox.told() != order.boxes:
                return f"its boxes would be others ({order.sandbox.told()} here, {order.boxes} asked for)"
            cgroups.usable()
            opened = HARNESSES[order.harness](order.settings).opened(agents.made(order.recipe), order.caps, order.sandbox)
            self._roll_out = within(self._stack.enter_context(opened), order.grace_s, self._watch)
        except Exception as error:  # told to whoever asks, who goes on with other machines
            return f"{type(error).__name__}: {error}"
        return ""

    def roll_out(self, packed: bytes) -> tuple[bytes, bytes]:
        """What a packed attempt came to: its id, status and usage as JSON, and the packed rollout."""
        ended = self._roll_out(rows.from_row(Attempt, rows.unpacked(packed)))
        return json.dumps([ended.id, ended.status, asdict(ended.usage)]).encode(), ended.packed

    def close(self) -> None:
        """Give up what is under way, and end all that was opened."""
        self._watch.stop()
        self._stack.close()


def code() -> str:
    """The digest of the code that a rollout is made by."""
    root = Path(__file__).resolve().parent.parent
    files = sorted((*root.glob("sandbox/**/*.py"), *root.glob("specs/*.py")))
    return digests.digest({path.relative_to(root).as_posix(): digests.of_bytes(path.read_bytes()) for path in files})


@contextmanager
def cluster(agent: Agent, harness: str, settings: Json, caps: Caps, sandbox: Sandbox, workers: int, grace_s: float) -> Iterator[Executor]:
    """The machines of the cluster at RAY_ADDRESS, else of the one that this machine is part of, else this machine alone: on each that
    has a CPU to spare, `workers` attempts at a time. Machines that come meanwhile are used, too.

    Raises BoundaryError("harness") where no machine can serve, and where none is left for five minutes.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # noqa: PLC0415 (it takes a second to import, and most runs are local)

    assert agent.recipe is not None  # noqa: S101 (whoever calls has seen to it)
    order = Order(agent.recipe, harness, settings, caps, sandbox, grace_s, code(), sandbox.told())
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    fleet = _Fleet(ray, ray.put(rows.packed(order)), workers, grace_s)
    try:
        yield fleet
    finally:
        fleet.close()
        ray.shutdown()


@dataclass
class _Sent:
    """An attempt that was given to a worker: when, and how many workers it has lost."""

    attempt: Attempt
    losses: int = 0
    since: float = 0.0


@dataclass
class _Machine:
    """A machine with its worker; `opening` until that has opened the harness, then what it is at."""

    node: str
    actor: Any
    opening: Any
    busy: dict[Any, _Sent] = field(default_factory=dict)


class _Fleet:
    def __init__(self, ray: Any, order: Any, workers: int, grace_s: float):
        self._ray, self._order, self._workers, self._grace_s = ray, order, workers, grace_s
        self._actor = ray.remote(Worker)
        self._machines: dict[str, _Machine] = {}
        self._again: deque[_Sent] = deque()  # what lost its machine
        self._done: list[Ended] = []
        self._unfit: dict[str, str] = {}  # machines that can't serve, and why
        self._lost: Counter[str] = Counter()  # workers in a row that a machine has lost
        self._looked = -LOOK_S
        self._began = self._served = time.monotonic()  # when there last was a machine

    def room(self) -> int:
        self._look()
        ready = sum(self._workers - len(machine.busy) for machine in self._machines.values() if not machine.opening)
        return max(ready - len(self._again), 0)

    def begin(self, attempt: Attempt) -> None:
        self._send(_Sent(attempt))

    def ended(self, timeout_s: float) -> list[Ended]:
        self._look()
        while self._again and self._free():
            self._send(self._again.popleft())
        whose = {ref: machine for machine in self._machines.values() for ref in (*machine.busy, *filter(None, [machine.opening]))}
        self._check()
        if not whose:
            time.sleep(min(timeout_s, LOOK_S))
        else:
            ready, rest = self._ray.wait(list(whose), num_returns=1, timeout=timeout_s)
            more = self._ray.wait(rest, num_returns=len(rest), timeout=0)[0] if ready and rest else []
            for ref in (*ready, *more):
                self._take(whose[ref], ref)
            self._late()
        found, self._done = self._done, []
        return found

    def close(self) -> None:
        """End all workers, and what they have opened."""
        closing = [machine.actor.close.remote() for machine in self._machines.values()]
        with suppress(Exception):  # a machine that is lost by now needs no closing
            self._ray.wait(closing, num_returns=len(closing), timeout=CLOSE_S)
        for machine in self._machines.values():
            self._ray.kill(machine.actor)

    def _look(self) -> None:
        """Give machines that have come a worker, and take the attempts of those that have gone."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        self._looked = time.monotonic()
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1}
        for machine in [machine for node, machine in self._machines.items() if node not in alive]:
            self._drop(machine)
        for node in sorted(alive - self._machines.keys() - self._unfit.keys()):
            self._machines[node] = self._started(node)

    def _started(self, node: str) -> _Machine:
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        actor = self._actor.options(num_cpus=1, max_concurrency=self._workers + 2, max_restarts=0, scheduling_strategy=there).remote()
        return _Machine(node, actor, actor.open.remote(self._order))

    def _check(self) -> None:
        """Raises BoundaryError where no machine serves, and none is to be hoped for."""
        if any(not machine.opening for machine in self._machines.values()):
            self._served = time.monotonic()
        elif self._unfit and not self._machines and self._served == self._began:
            why = "; ".join(f"{node[:8]}: {reason}" for node, reason in sorted(self._unfit.items()))
            raise BoundaryError("harness", f"no machine of the cluster can roll out: {why}")
        elif time.monotonic() - self._served > ALONE_S:
            raise BoundaryError("harness", f"no machine of the cluster was ready for {ALONE_S:.0f} s")

    def _free(self) -> list[_Machine]:
        return [machine for machine in self._machines.values() if not machine.opening and len(machine.busy) < self._workers]

    def _send(self, sent: _Sent) -> None:
        machine = min(self._free(), key=lambda m: len(m.busy))
        sent.since = time.monotonic()
        machine.busy[machine.actor.roll_out.remote(rows.packed(sent.attempt))] = sent

    def _take(self, machine: _Machine, ref: Any) -> None:
        """Take what has become of a call."""
        if self._machines.get(machine.node) is not machine:
            return  # dropped meanwhile, and its attempts are waiting
        try:
            got = self._ray.get(ref, timeout=FETCH_S)
        except self._ray.exceptions.RayActorError:
            self._drop(machine)
        except self._ray.exceptions.RayError:  # the machine may be well, but what it made is gone
            if ref in machine.busy:
                self._lose(machine.busy.pop(ref))
            else:
                self._drop(machine)
        else:
            self._got(machine, ref, got)

    def _got(self, machine: _Machine, ref: Any, got: Any) -> None:
        if ref in machine.busy:
            attempt = machine.busy.pop(ref).attempt
            identity, status, usage = json.loads(got[0])
            if identity == attempt.id:
                self._done.append(Ended(identity, status, Usage(**usage), got[1]))
            else:
                self._fail(attempt, "a worker made another rollout than it was to make")
            self._lost.pop(machine.node, None)
        elif got:
            self._unfit[machine.node] = got
            self._drop(machine)
        else:
            machine.opening = None

    def _drop(self, machine: _Machine) -> None:
        """Do without a worker; a machine that is still there gets another, unless it has lost too many."""
        del self._machines[machine.node]
        for sent in machine.busy.values():
            self._lose(sent)
        with suppress(Exception):
            self._ray.kill(machine.actor)
        self._lost[machine.node] += 1
        if self._lost[machine.node] >= LOSSES:
            self._unfit.setdefault(machine.node, f"its worker has ended {LOSSES} times in a row")

    def _lose(self, sent: _Sent) -> None:
        sent.losses += 1
        if sent.losses < LOSSES:
            self._again.append(sent)
        else:
            self._fail(sent.attempt, f"its worker was lost {LOSSES} times")

    def _fail(self, attempt: Attempt, why: str) -> None:
        self._done.append(ended(episodes.failed(attempt, "harness", why)))

    def _late(self) -> None:
        """Do without workers that should have given an attempt up themselves by now."""
        now = time.monotonic()
        for machine in list(self._machines.values()):
            waits = (now - sent.since - sent.attempt.limits.seconds for sent in machine.busy.values())
            if max(waits, default=0.0) > self._grace_s + LATE_S:
                self._drop(machine)
