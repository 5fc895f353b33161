"""How the scripted teacher works: the steps of the solution, among looks and mistakes that are in its style.

Which style a task gets and all that is drawn depends on the task's digest alone, and nothing on what a tool says: the turn decides. The
workspace is left as the solution leaves it, for looks change nothing and mistakes take back what they did.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox import looks, misreads, miswrites
from sandbox.plays import Play, Policy
from sandbox.scene import SKILLS, Scene, Voice, text_of
from specs import digests
from specs.records import File, Json, Solution, Step, Task

MISTAKES = (*misreads.KINDS, *miswrites.KINDS)
FURTHER, TALLY, BESIDE, MISTAKE = 1, 2, 3, 4  # ranks: a mistake comes right before its step
CROWD = 6  # files of a folder, past which none of them is worth a glance of its own
CODE = ("looks", "misreads", "miswrites", "scene", "styles")
KEPT = 512  # episodes that a server remembers


@dataclass(frozen=True)
class Turn:
    """One message of the teacher. `kind`: step (of the solution), look, slip (a mistake), repair, or done."""

    play: Play
    kind: str


@dataclass(frozen=True)
class Styles:
    """`shares`: of tasks, by style. `mistakes`: the chance of one at each step that can go wrong, by style; 0 where it is not named."""

    shares: Json
    mistakes: Json


@dataclass(frozen=True)
class Added:
    """Turns that go before the step of that number; `says` is what the step says then, where it is not what it says otherwise."""

    at: int
    turns: tuple[Turn, ...]
    rank: int = 0  # among those at one place, the lower first
    says: str | None = None


def told(settings: Mapping[str, Any]) -> Styles | None:
    """The styles of an agent's settings, checked by `problems`; none where it has none."""
    return Styles(settings["styles"], settings.get("mistakes") or {}) if settings.get("styles") else None


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the styles of an agent's settings, each as what is to stand behind the agent's name."""
    found = []
    shares, mistakes = settings.get("styles"), settings.get("mistakes")
    for key, value in (("styles", shares), ("mistakes", mistakes)):
        if value is None:
            continue
        if not isinstance(value, Mapping):
            return [f".{key} is not a number for each of some of {', '.join(STYLES)}"]
        found += [f".{key}.{name} is not one of {', '.join(STYLES)}" for name in value if name not in STYLES]
        wrong = [name for name, number in value.items() if type(number) not in (int, float) or not 0 <= number <= 1]
        found += [f".{key}.{name} is not a number from 0 to 1" for name in wrong]
    if mistakes is not None and shares is None:
        found.append(".mistakes needs styles")
    if shares is not None and not found and not any(shares.values()):
        found.append(".styles has no share that is above 0")
    return found


@functools.cache
def code() -> str:
    """Digest of the code that makes an episode out of a solution."""
    return digests.digest([Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in CODE])


def record(styles: Styles, task: Task) -> dict[str, Any]:
    """What a rollout records of its style, and so what its id depends on: no other style's share or rate."""
    style = style_of(styles, task)
    return {"code": code(), "style": style, "mistakes": float(styles.mistakes.get(style, 0))}


def style_of(styles: Styles, task: Task) -> str:
    """The task's style. Rendezvous hashing: changed shares change no more tasks than they must."""

    shares: Mapping[str, float] = styles.shares

    def rank(name: str) -> float:
        drawn = (int(digests.digest([task.digest, name])[:13], 16) + 1) / (16**13 + 1)
        return -math.log(drawn) / float(shares[name])

    return min((name for name in sorted(shares) if shares[name]), key=rank)


def policy(styles: Styles, steps: int = 0) -> Policy:
    """The teacher in these styles, in at most so many turns (0: the task's limit). Raises LookupError for a task without a solution."""
    kept: dict[str, tuple[Turn, ...]] = {}

    def play(task: Task, solution: Solution | None, turn: int) -> Play:
        if solution is None:
            raise LookupError(f"task {task.id} has no solution")
        key = task.digest + solution.digest
        if key not in kept:
            if len(kept) == KEPT:
                del kept[next(iter(kept))]
            kept[key] = episode(styles, task, solution, steps)
        return kept[key][min(turn, len(kept[key]) - 1)].play

    return play


def episode(styles: Styles, task: Task, solution: Solution, steps: int = 0) -> tuple[Turn, ...]:
    """All of the teacher's messages on a task; the last one closes.

    They are at most `steps` (0: the task's limit), unless the solution alone is longer: a style takes half of what the solution leaves.
    """
    style = style_of(styles, task)
    working = tuple(itertools.takewhile(lambda step: step.tool, solution.steps))
    closing = solution.steps[len(working)].says if len(working) < len(solution.steps) else "Done."
    scene = Scene(task, working)
    voice = Voice(random.Random(f"{task.digest}/{style}"))
    room = ((steps or task.limits.steps) - len(working) - 1) // 2
    before: dict[int, list[Added]] = {}
    for one in (*_mistakes(scene, voice, styles.mistakes.get(style, 0)), *STYLES[style](scene, voice)):
        if len(one.turns) <= room:
            room -= len(one.turns)
            before.setdefault(one.at, []).append(one)
    turns: list[Turn] = []
    for at, step in enumerate((*working, Step("", {}, closing))):
        says = step.says
        for one in sorted(before.get(at, []), key=lambda one: one.rank):
            turns += one.turns
            says = says if one.says is None else one.says
        turns.append(Turn(Play(says, step.tool, step.arguments), "step") if step.tool else Turn(Play(says), "done"))
    return tuple(turns)


def _mistakes(scene: Scene, voice: Voice, rate: float) -> Iterator[Added]:
    """Mistakes at some of the steps, each of another kind."""
    kinds = list(MISTAKES)
    for at in range(len(scene.steps)):
        if voice.rng.random() >= rate:
            continue
        for kind in voice.rng.sample(kinds, len(kinds)):
            slip = kind(scene, at, voice)
            if slip:
                kinds.remove(kind)
                first, *others = slip.plays
                yield Added(at, (Turn(first, "slip"), *(Turn(play, "repair") for play in others)), MISTAKE, slip.says)
                break


def _brisk(scene: Scene, voice: Voice) -> list[Added]:
    """The steps and nothing else."""
    return []


def _careful(scene: Scene, voice: Voice) -> list[Added]:
    """Reads how it is done, reads the inputs further than their beginning, counts them, and checks the results."""
    read = [f for f in _inputs(scene) if _read_by(scene, f)]
    voice.rng.shuffle(read)
    further = [_look(_after(scene, f), _further(scene, voice, f), FURTHER) for f in read[:2]]
    counted = [_look(_after(scene, f), looks.values(voice, f, scene.task.instruction), TALLY) for f in read[:1]]
    return [*_skills(scene, voice)[: voice.rng.choice((1, 1, 2))], *further[:1], *_verified(scene, voice)[:2], *counted, *further[1:]]


def _explorer(scene: Scene, voice: Voice) -> list[Added]:
    """Looks around, counts, searches, and opens what nobody asked about."""
    inputs, work = _inputs(scene), _work(scene)
    voice.rng.shuffle(inputs)
    folders = sorted({str(PurePosixPath(f.path).parent) for f in inputs} - {"."})
    around = [_look(min(1, work), looks.listing(voice, voice.rng.choice(folders)))] if folders else []
    counted = [_look(_after(scene, f), looks.size(voice, f)) for f in inputs[:2]]
    sought = [
        _look(_after(scene, f), kind(voice, f, scene.task.instruction), TALLY) for f in inputs for kind in (looks.values, looks.search)
    ]
    sought = [one for one in sought if one.turns]
    others = [f for f in scene.files() if f not in inputs and not any(scene.names(step, f.path) for step in scene.steps)]
    crowds = Counter(f.path.rpartition("/")[0] for f in others)
    others = [f for f in others if crowds[f.path.rpartition("/")[0]] <= CROWD]
    glances = [_look(work, looks.glance(voice, f), BESIDE) for f in voice.rng.sample(others, min(2, len(others)))]
    found = [*around, *counted[:1], *sought[:2], *glances[:1], *counted[1:], *sought[2:3], *glances[1:]]
    return found if voice.rng.random() < 0.5 else [*_skills(scene, voice)[:1], *found]


def _fallible(scene: Scene, voice: Voice) -> list[Added]:
    """What makes it so are its mistakes; beside them, a little of what the others do."""
    some = [*_skills(scene, voice)[:1], *_explorer(scene, voice)[:2], *_verified(scene, voice)[:1]]
    return voice.rng.sample(some, min(2, len(some)))


def _reviewer(scene: Scene, voice: Voice) -> list[Added]:
    """Does the work, then looks at each result, at the folders they lie in, and at what went in and came out.

    A file that was only read may have been moved by now; one that a script names is where it was.
    """
    end, outputs = len(scene.steps), scene.task.outputs
    folders = sorted({str(PurePosixPath(path).parent) for path in outputs} - {"."})
    kept = [f for f in _inputs(scene) if any(step.tool == "exec" and scene.names(step, f.path) for step in scene.steps)]
    texts = [f.path for f in kept if text_of(f)] + [path for path in outputs if "." in PurePosixPath(path).name]
    beside = [_look(end, looks.lengths(voice, list(dict.fromkeys(texts))[: 2 * CROWD]))] if len(texts) > 1 else []
    clean = [_look(end, looks.only(voice, voice.rng.choice(folders)))] if folders else []
    last = clean if voice.rng.random() < 0.5 else beside
    return [*_verified(scene, voice), *last, *_skills(scene, voice)[: voice.rng.choice((0, 0, 1))]]


STYLES: Mapping[str, Callable[[Scene, Voice], Sequence[Added]]] = {
    "brisk": _brisk,
    "careful": _careful,
    "explorer": _explorer,
    "fallible": _fallible,
    "reviewer": _reviewer,
}


def _look(at: int, play: Play | None, rank: int = 0) -> Added:
    return Added(at, (Turn(play, "look"),) if play else (), rank)


def _inputs(scene: Scene) -> list[File]:
    """The given files that the solution works from, as it names them."""
    return [file for file in scene.files() if any(scene.names(step, file.path) for step in scene.steps)]


def _work(scene: Scene) -> int:
    """The number of the first step that makes something."""
    return next((n for n, step in enumerate(scene.steps) if scene.works(step)), len(scene.steps))


def _read_by(scene: Scene, file: File) -> Step | None:
    """The first step that reads the file."""
    return next((step for step in scene.steps if step.tool == "read" and step.arguments["path"] == file.path), None)


def _after(scene: Scene, file: File) -> int:
    """Where a look at a file belongs: behind the first step that looks at it, at any rate before the first that works with it."""
    first = next(n for n, step in enumerate(scene.steps) if scene.names(step, file.path))
    return first if scene.works(scene.steps[first]) else first + 1


def _further(scene: Scene, voice: Voice, file: File) -> Play | None:
    """What comes after the beginning that was read, or how the file ends."""
    step = _read_by(scene, file)
    limit = step.arguments.get("limit", 0) if step else 0
    start = limit + (step.arguments.get("offset", 1) if step else 0)
    if limit and voice.rng.random() < 0.5:
        return looks.rest(voice, file, start)
    return looks.ending(voice, file) if limit else None


def _skills(scene: Scene, voice: Voice) -> list[Added]:
    """The task's skills, read at the beginning."""
    files = [(name, f"{SKILLS}{name}/SKILL.md") for name in scene.task.skills]
    at = voice.rng.choice((0, min(1, _work(scene))))
    return [_look(at, looks.skill(voice, name, path)) for name, path in files if scene.file(path)]


def _verified(scene: Scene, voice: Voice) -> list[Added]:
    """Each result, read back at the end, in any order."""
    paths = voice.rng.sample(scene.task.outputs, len(scene.task.outputs))
    return [_look(len(scene.steps), looks.verify(voice, path)) for path in paths]
