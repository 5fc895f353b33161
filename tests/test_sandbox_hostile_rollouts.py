"""Hostile agents among peaceful ones, in the stage as it is run: each ends by itself, and none learns what is not its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import making
import pytest
from projects import SECRET, Project, calling, done, endpoint_args, model_server
from starlette.responses import Response

from specs.records import Rollout

pytestmark = pytest.mark.slow

HOSTILE = {
    "a": ("a fork bomb", ":(){ :|:& };: ; wait; sleep 60"),
    "b": ("a memory hog", "python3 -c 'x = bytearray(2 * 10**9); print(len(x))'"),
    "c": ("an endless loop", "while true; do :; done"),
}
LOOK = """
env; id; ls -la / /workspace /home /root /opt /mnt /work 2>&1
python3 -c 'import socket; s = socket.create_connection(("1.1.1.1", 53), 2)' 2>&1 | tail -n 1
find / -xdev \\( -name "*.parquet" -o -name "store.sqlite" -o -name "params.yaml" -o -name "dvc.yaml" \\) 2>/dev/null
find / -xdev -path "*verifiers*" 2>/dev/null
"""


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rollout]]:
    folder = tmp_path_factory.mktemp("hostile")
    commands = (
        {what: command for what, command in HOSTILE.values()}
        | {"a look around": LOOK}
        | {f"peace {n}": "echo done > out.txt" for n in range(3)}
    )
    tasks = [making.task({"in.txt": "1\n"}, what, ("out.txt",), f"{n:x}b2c3d4e5f6") for n, what in enumerate(commands)]

    def answer(instruction: str, turn: int, messages: list) -> Response:
        return calling(commands[instruction]) if turn == 0 else done()

    with model_server(answer) as (url, _):
        project = Project(folder, tasks, workers=4, caps={"memory_mb": 128, "pids": 40, "cpu_seconds": 5})
        project.stage(*endpoint_args(url), OPENAI_API_KEY=SECRET)
    found = project.rollouts("runs/x/rollouts")
    names = {task.id: task.instruction for task in tasks}
    yield {names[task]: rollout for task, rollout in found.items()}


@pytest.mark.parametrize("what", [what for what, _ in HOSTILE.values()])
def test_it_ends_as_a_limit(rollouts: dict[str, Rollout], what: str) -> None:
    assert (rollouts[what].status, rollouts[what].error) == ("limit", None)


def test_its_neighbours_do_their_work(rollouts: dict[str, Rollout]) -> None:
    peaceful = [r for name, r in rollouts.items() if name.startswith("peace")]
    assert len(peaceful) == 3
    for rollout in peaceful:
        assert rollout.status == "completed"
        assert [(c.path, c.content) for c in rollout.changes] == [("out.txt", b"done\n")]


def test_a_look_around_finds_no_network_no_key_and_nothing_of_the_repository(rollouts: dict[str, Rollout]) -> None:
    seen = next(m["content"] for m in rollouts["a look around"].messages if m["role"] == "tool")
    assert "in.txt" in seen  # it did look
    assert "Error" in seen  # the connection failed
    for hidden in (SECRET, "OPENAI", "API_KEY", ".parquet", "store.sqlite", "params.yaml", "dvc.yaml", "verifiers", "requirements.txt"):
        assert hidden not in seen
    assert SECRET not in json.dumps([m for r in rollouts.values() for m in r.messages])
