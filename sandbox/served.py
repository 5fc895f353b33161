"""A checkpoint behind its own server: started for the time of a stage, gone with it, known by the digest of its files."""

from __future__ import annotations

import hashlib
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specs import digests
from specs.errors import BoundaryError, Problem, UserError

START_S = 600.0
STOP_S = 10.0
CONFIGURATION = ("config.json", "generation_config.json", "special_tokens_map.json", "merges.txt")
MATTER = ("*.safetensors", *CONFIGURATION, "tokenizer*", "vocab.*", "chat_template*")


def digest_of_model(folder: Path) -> str:
    """Digest of the files that decide what a model says: weights, configuration, tokenizer, chat template.

    Raises UserError where the folder holds no weights.
    """
    files = sorted({path for pattern in MATTER for path in folder.glob(pattern) if path.is_file()})
    if not any(path.suffix == ".safetensors" for path in files):
        raise UserError([Problem(folder.as_posix(), 1, 1, "", "no model here", "run the stage that makes it (dvc repro)")])
    sums = {}
    for path in files:
        with path.open("rb") as stream:
            sums[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests.digest(sums)


@contextmanager
def serve_model(folder: Path, module: str = "train.serve", start_s: float = START_S) -> Iterator[str]:
    """Run `python -m <module> --model FOLDER --port 0` and yield the URL of its `ready <url>` line; it ends with the block.

    Where util-linux is there, the server also dies when this process is killed. Raises BoundaryError("endpoint") where the server
    ends or stays silent for `start_s` seconds before it is ready.
    """
    setpriv = shutil.which("setpriv")
    tether = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    command = [*tether, sys.executable, "-m", module, "--model", str(folder), "--port", "0"]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    ready: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_drain, args=(server, ready), daemon=True)
    reader.start()
    try:
        url = ready.get(timeout=start_s)
        if not url:
            raise BoundaryError("endpoint", f"{module} ended with {server.wait()} before it was ready")
        yield url
    except queue.Empty:
        raise BoundaryError("endpoint", f"{module} was not ready after {start_s:.0f} s") from None
    finally:
        _stop(server)
        reader.join(STOP_S)


def _drain(server: subprocess.Popen[str], ready: queue.Queue[str]) -> None:
    """Hand over the URL, or empty at the end of the output; go on reading, or a full pipe would stop the server."""
    assert server.stdout is not None  # noqa: S101  (it was opened as a pipe)
    for line in server.stdout:
        word, _, url = line.strip().partition(" ")
        if word == "ready":
            ready.put(url)
    ready.put("")


def _stop(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
