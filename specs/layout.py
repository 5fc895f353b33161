"""Where artifacts lie, relative to the repository's root. dvc.yaml names the same paths as deps and outs."""

from __future__ import annotations

from pathlib import Path

from specs.errors import Problem, UserError

TASKS = Path("data/tasks")
VERIFIERS = Path("data/verifiers")
SOLUTIONS = Path("data/solutions")
PROVENANCE = Path("data/provenance")
CANDIDATES = Path("data/candidates")
WORDINGS = Path("data/wordings")
SCORECARDS = Path("data/scorecards")
SELECTION = Path("data/selection.json")
SEQUENCES = Path("data/sequences")
METRICS = Path("metrics")
PLOTS = Path("plots")
REPORT = Path("reports/bench.html")
TRAJECTORIES = Path("reports/trajectories")
RUNS = Path("runs")
FULL = Path("data/full")  # all that `make full` makes, but its figures and plots


def build(path: Path, full: bool) -> Path:
    """Where an artifact of the default build lies in the build asked for: itself, or its like in the full one."""
    return FULL / path.name if full else path


def present(path: Path, hint: str = "") -> Path:
    """The path of an artifact. Raises UserError where it is not there: its stage has not run."""
    if not path.exists():
        made = f"run the stage that writes it (make {'full' if FULL in path.parents else 'repro'})"
        raise UserError([Problem(path.as_posix(), 1, 1, "", "is not there", hint or made)])
    return path


def rollouts(agent: str, split: str) -> Path:
    """Rollout shards of an agent on a split."""
    return Path("data/rollouts") / f"{agent}-{split}"


def rollout_ends(agent: str, split: str) -> Path:
    """How the rollouts of an agent on a split ended, by kind."""
    return METRICS / "rollout" / f"{agent}-{split}.json"


def verdicts(agent: str, split: str) -> Path:
    """Verdict shards of an agent on a split."""
    return Path("data/verdicts") / f"{agent}-{split}"


def model(name: str) -> Path:
    """A checkpoint: base, sft or rl."""
    return Path("models") / name
