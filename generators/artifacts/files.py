"""Files of a folder, moved: the answer's rows are (path, to), both below the folder."""

from __future__ import annotations

from typing import Any

from generators import operate
from generators.artifacts import Artifact, Changes
from generators.relations import Relation
from specs import digests, records


def changes(artifact: Artifact, answer: Relation) -> Changes:
    """Each file gone from where it was, and at its place."""
    return tuple(c for old, new in _moves(answer) for c in _move(artifact, old, new))


def _moves(answer: Relation) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in answer.rows]


def _move(artifact: Artifact, old: str, new: str, keep: bool = False, extra: bytes = b"") -> Changes:
    source, target = f"{artifact.path}/{old}", f"{artifact.path}/{new}"
    written = records.change_of(target, artifact.inputs[source] + extra)
    return (written,) if keep or source == target else (records.deletion(source), written)


def check(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Params of the check `files`."""
    expect = [
        {"path": f"{artifact.path}/{new}", "digest": digests.of_bytes(artifact.inputs[f"{artifact.path}/{old}"])}
        for old, new in _moves(answer)
    ]
    places = {e["path"] for e in expect}
    gone = [f"{artifact.path}/{old}" for old, _ in _moves(answer) if f"{artifact.path}/{old}" not in places]
    return {"expect": expect, "gone": gone, "under": artifact.path, "only": True}


def shapes(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """Copies left behind; a file's content touched; a file left out."""
    moves = [(o, n) for o, n in _moves(answer) if o != n]
    if not moves:
        raise operate.Unfit("no file moves")
    old, new = moves[0]
    return {
        "copied": tuple(c for o, n in moves for c in _move(artifact, o, n, keep=True)),
        "touched": (*_move(artifact, old, new, extra=b"\n"), *(c for o, n in moves[1:] for c in _move(artifact, o, n))),
        "one-left": tuple(c for o, n in moves[1:] for c in _move(artifact, o, n)),
    }


def equivalents(artifact: Artifact, answer: Relation) -> dict[str, Changes]:
    """A note elsewhere beside the moved files."""
    return {"note-elsewhere": (*changes(artifact, answer), records.change_of("moved.txt", b"All files have their place.\n"))}


def writing(artifact: Artifact, answer: Relation) -> tuple[list[str], list[str]]:
    """Lines by which a script moves the files that `result` names."""
    return [], [
        f"base = {artifact.path!r}",
        "for r in result:",
        "    target = os.path.join(base, r['to'])",
        "    os.makedirs(os.path.dirname(target), exist_ok=True)",
        "    shutil.move(os.path.join(base, r['path']), target)",
    ]


def words(artifact: Artifact, answer: Relation) -> dict[str, Any]:
    """Whether some of the files stay where they are."""
    return {"partly": any(old == new for old, new in _moves(answer))}
