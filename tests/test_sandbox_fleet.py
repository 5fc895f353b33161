"""The fleet: attempts travel whole, and a real Ray cluster of three nodes loses one, and a worker, without losing or doubling a rollout."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import making
import psutil
import pytest
from projects import REPO, SECRET, Project, calling, done, endpoint_args, numbered, solved
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import agents, fleet, runner, scripted
from sandbox.agents import remote_agent, scripted_agent
from sandbox.box import Caps, Sandbox
from sandbox.endpoint import Endpoint
from sandbox.episodes import Attempt
from sandbox.fleet import Order, Worker
from sandbox.planning import plan
from sandbox.runner import Rules
from specs import digests, rows
from specs.errors import BoundaryError
from specs.records import Limits, Rollout, Verdict
from specs.store import Store
from verifiers.apart import Graders
from verifiers.grade import verdict

CAPS = Caps(memory_mb=256)
TASKS = [numbered(n) for n in range(300)]
TEACHER = scripted_agent("teacher", 0, TASKS[:2], [solved(task) for task in TASKS[:2]])
MEMORY = 80 << 20  # of a node's object store, the least that Ray takes


def order(agent: agents.Agent = TEACHER, **other: Any) -> bytes:
    assert agent.recipe
    values = {
        "recipe": agent.recipe,
        "harness": "builtin",
        "settings": {},
        "caps": CAPS,
        "sandbox": Sandbox(),
        "grace_s": 60.0,
        "code": fleet.code(),
        "boxes": {},
    }
    return rows.packed(Order(**{**values, **other}))


def test_an_attempt_travels_whole() -> None:
    sampling = {"temperature": 0.7, "stop": ["\n", "ä"], "seed": None}
    sent = Attempt(
        TASKS[0], "a", {"name": "a", "digest": "d"}, sampling, Limits(1, 2, 3), Caps(pids=7), 4, Sandbox("docker", ahead=9), {"name": "h"}
    )
    got = rows.from_row(Attempt, rows.unpacked(rows.packed(sent)))
    assert got == sent and got.id == sent.id


def test_a_worker_makes_the_rollouts_that_this_machine_would_make() -> None:
    worker = Worker()
    assert worker.open(order()) == ""
    (attempt,) = plan(TEACHER, TASKS[:1], 1, CAPS, Sandbox())
    told, packed = worker.roll_out(rows.packed(attempt))
    worker.close()
    rollout = rows.from_row(Rollout, rows.unpacked(packed))
    assert json.loads(told) == [attempt.id, "completed", asdict(rollout.usage)]
    assert (rollout.id, rollout.status) == (attempt.id, "completed")
    assert [(c.path, c.content) for c in rollout.changes] == [("out.txt", b"0\n")]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"code": "another"}, "other code"),
        ({"boxes": {"weak": ["a filter"]}}, "its boxes would be others"),
        ({"harness": "none"}, "KeyError"),
    ],
)
def test_a_machine_that_would_make_others_says_so(other: dict[str, Any], why: str) -> None:
    assert why in Worker().open(order(**other))


def test_an_order_names_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(agents.KEY, SECRET)
    packed = order(remote_agent("http://x/v1", "m", {}))
    assert SECRET not in json.dumps(rows.unpacked(packed))
    with agents.made(rows.from_row(Order, rows.unpacked(packed)).recipe).opened() as endpoint:
        assert endpoint == Endpoint("http://x/v1", "m", SECRET)


class Nodes:
    """A Ray cluster of three nodes with one CPU each, on this machine; the first one is where drivers connect."""

    def __init__(self, folder: str):
        from ray.cluster_utils import Cluster

        self.folder = folder
        head = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.others = [self.add(), self.add()]

    def add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=MEMORY)

    def processes(self) -> list[psutil.Process]:
        return [p for p in psutil.process_iter() if any(self.folder in word for word in _words(p))]

    def workers(self) -> list[psutil.Process]:
        """Processes of actors of ours."""
        found = [c for p in self.processes() for c in p.children(recursive=True)]
        return [p for p in found if any(word.startswith("ray::Worker") for word in _words(p))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a short path: sockets lie below it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(REPO))
        patch.setenv(agents.KEY, SECRET)  # of the machines; whoever asks them has none
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "a-token-of-thirty-two-characters")
        made = Nodes(folder)
        try:
            yield made
        finally:
            made.cluster.shutdown()
    deadline = time.monotonic() + 30
    while made.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert made.processes() == []
    shutil.rmtree(folder)


def on(nodes: Nodes, project: Project, *argv: str, half_way: Callable[[], None] | None = None) -> str:
    """Run the stage on the cluster, and do something to it when half of the rollouts are kept; returns what it printed."""
    process = project.start(*argv, "--executor", "ray", RAY_ADDRESS=nodes.cluster.address)
    while half_way and process.poll() is None and len(project.kept()) < len(project.tasks) / 2:
        time.sleep(0.1)
    assert process.poll() is None or not half_way
    if half_way:
        half_way()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return out + err


def outcomes(project: Project) -> dict[str, Rollout]:
    """All of each rollout but the time it took."""
    return {task: replace(rollout, seconds=0.0) for task, rollout in project.rollouts("data/rollouts/teacher-train").items()}


def verdicts(found: dict[str, Rollout]) -> dict[str, Verdict]:
    judged = {}
    with Graders(2, sandbox=Sandbox()) as graders:
        for task in TASKS:
            want = digests.of_bytes(f"{2 * int(task.workspace[0].content)}\n".encode())
            params = {"expect": [{"path": "out.txt", "digest": want}], "gone": [], "under": "", "only": False}
            judged[task.id] = verdict(task, making.verifier([{"kind": "files", "params": params}], task.id), found[task.id], graders)
    return judged


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rollout]:
    """What the same stage makes without a cluster."""
    project = Project(tmp_path_factory.mktemp("local"), TASKS, workers=4)
    project.stage("--agent", "teacher")
    return outcomes(project)


@pytest.mark.slow
@pytest.mark.alone
def test_a_worker_that_is_killed_loses_nothing(nodes: Nodes, here: dict[str, Rollout], tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:120], workers=2)
    killed = []

    def kill() -> None:
        killed.append(nodes.workers()[0])
        killed[0].kill()

    on(nodes, project, "--agent", "teacher", half_way=kill)
    assert killed
    assert outcomes(project) == {task.id: here[task.id] for task in TASKS[:120]}
    assert sorted(project.kept()) == sorted(task.id for task in TASKS[:120])


@pytest.mark.slow
@pytest.mark.alone
def test_a_node_that_is_lost_half_way_loses_and_doubles_nothing(nodes: Nodes, here: dict[str, Rollout], tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS, workers=2)
    said = on(nodes, project, "--agent", "teacher", half_way=lambda: nodes.cluster.remove_node(nodes.others.pop(), allow_graceful=False))
    assert "300 completed" in said
    found = outcomes(project)
    assert found == here
    assert sorted(project.kept()) == sorted(task.id for task in TASKS)
    assert verdicts(found) == verdicts(here)
    assert all(judged.score == 1.0 for judged in verdicts(found).values())


@pytest.mark.slow
@pytest.mark.alone
def test_keys_are_the_machines_own_and_in_no_log(nodes: Nodes, tmp_path: Path) -> None:
    project = Project(tmp_path, TASKS[:4])
    keys = []

    async def post(request: Request) -> Response:
        keys.append(request.headers["authorization"])
        turns = sum(m["role"] == "assistant" for m in json.loads(await request.body())["messages"])
        return done(f"My key is {SECRET}.") if turns else calling("env")

    with scripted.listening(Starlette(routes=[Route("/v1/chat/completions", post, methods=["POST"])])) as url:
        on(nodes, project, *endpoint_args(url))
    assert set(keys) == {f"Bearer {SECRET}"}
    assert SECRET not in repr(project.rollouts("runs/x/rollouts"))
    files = [path for root in (tmp_path, Path(nodes.folder)) for path in root.rglob("*") if path.is_file()]
    assert all(SECRET.encode() not in path.read_bytes() for path in files)


@pytest.mark.slow
@pytest.mark.alone
def test_a_cluster_of_which_no_machine_will_do_says_why(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", nodes.cluster.address)
    monkeypatch.setattr(fleet, "code", lambda: "another")
    with (
        closing(Store(tmp_path / "s.sqlite")) as store,
        pytest.raises(BoundaryError, match=r"no machine of the cluster can roll out: .*other code"),
    ):
        opened = fleet.cluster(TEACHER, "builtin", {}, CAPS, Sandbox(), 1, 60.0)
        runner.run(plan(TEACHER, TASKS[:2], 1, CAPS, Sandbox()), opened, store, Rules())
