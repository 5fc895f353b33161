"""The records that stages exchange. Field names are the contract; `Json` fields are free-form.

A record is a frozen dataclass; specs/rows.py takes it to Parquet and back.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from specs import digests

SITE_PORT = 8080
SITE_URL = f"http://127.0.0.1:{SITE_PORT}/"  # where a box serves its site, and what instructions name
Json = Annotated[Any, "json"]  # anything JSON can say; stored as text so that Arrow does not fill in nulls
SCHEMA_VERSION = 1
T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """A file of a workspace. `mode` is the permission bits; `digest` the SHA-256 of `content`."""

    path: str
    mode: int
    digest: str
    content: bytes


@dataclass(frozen=True)
class Service:
    """Something served inside the box (`kind`: site, at SITE_URL), from files the agent can't reach otherwise."""

    kind: str
    files: tuple[File, ...]


@dataclass(frozen=True)
class Limits:
    """What a rollout may use: model turns, wall seconds, completion tokens."""

    steps: int
    seconds: int
    tokens: int


@dataclass(frozen=True)
class Task:
    """What an agent gets, and what it is filed under. `digest` covers all fields but itself and `id`."""

    id: str
    digest: str
    route: str  # persona | skill
    split: str  # train | bench
    category: str  # one of the taxonomy's bench categories
    subcategory: str
    operations: tuple[str, ...]
    skills: tuple[str, ...]
    persona: str
    scenario: str
    domain: str
    difficulty: int  # 1 to 5, by how many demands and kinds of noise one can overlook
    chained: bool  # three operations or more, and skipping an earlier one changes what a later one yields
    instruction: str
    workspace: tuple[File, ...]
    services: tuple[Service, ...]
    outputs: tuple[str, ...]  # paths asked for
    limits: Limits
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Check:
    """One thing looked at. `params` follow verifiers/kinds/<kind>.schema.json; `demand` names the sentence."""

    id: str
    kind: str
    params: Json
    weight: float
    demand: str


@dataclass(frozen=True)
class RubricItem:
    id: str
    question: str  # to which yes is good
    weight: float
    path: str  # of the text that it is about
    beside: str  # what the judge sees with the text: request | workspace
    spoiled_by: tuple[str, ...]  # ways to spoil a text that it must notice


@dataclass(frozen=True)
class Weights:
    code: float
    rubric: float


@dataclass(frozen=True)
class Protected:
    """An input that the instruction says to leave alone, with the digest it must keep."""

    path: str
    digest: str


@dataclass(frozen=True)
class Verifier:
    id: str
    digest: str
    checks: tuple[Check, ...]
    rubric: tuple[RubricItem, ...]
    weights: Weights
    protected: tuple[Protected, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Step:
    """One turn of a solution: what is said, and the tool call (`tool` is empty for the closing answer)."""

    tool: str
    arguments: Json
    says: str


@dataclass(frozen=True)
class Solution:
    id: str
    digest: str
    steps: tuple[Step, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class SpecRef:
    """A YAML entry a task came from: file, entry name, digest of that entry alone."""

    path: str
    name: str
    digest: str


@dataclass(frozen=True)
class Provenance:
    id: str
    specs: tuple[SpecRef, ...]
    seed: str
    versions: Json
    wording: str  # compiled | rewritten | by hand
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Change:
    """What differs from the given workspace."""

    path: str
    type: str  # file | symlink | directory | deleted | other
    mode: int
    size: int
    digest: str
    content: bytes | None  # None if deleted, a directory or past the size bound; a symlink's target


@dataclass(frozen=True)
class Candidate:
    """A workspace outcome with a known verdict, made by the compiler: a mutant (must fail) or an equivalent (must pass)."""

    task: str
    kind: str  # demand mutants: "demand"; equivalents: crlf, quoting, ...
    demand: str  # that the mutant ignores
    should_pass: bool
    changes: tuple[Change, ...]  # of the task's workspace
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Candidates:
    """All candidates of one task."""

    id: str
    candidates: tuple[Candidate, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class MutantScore:
    kind: str
    demand: str
    score: float
    artifact: float = 0.0  # of the checks alone that the mutant concerns: those that take something off
    checks: tuple[str, ...] = ()  # their kinds


@dataclass(frozen=True)
class EquivalentScore:
    kind: str
    score: float
    checks: tuple[str, ...] = ()  # kinds of the checks that had not seen it written like that before


@dataclass(frozen=True)
class Scorecard:
    """The evidence for one task's verifier. `rejected` is the reason it is not in the dataset, or empty."""

    id: str
    solution: float
    untouched: float
    mutants: tuple[MutantScore, ...]
    equivalents: tuple[EquivalentScore, ...]
    rejected: str
    operations: tuple[str, ...]
    task_digest: str
    verifier_digest: str
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Call:
    """One request to the endpoint and its response, with the tokens where the endpoint gives them."""

    request: Json
    response: Json
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    logprobs: tuple[float, ...]


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    turns: int
    tool_calls: int


@dataclass(frozen=True)
class Failure:
    """`boundary`: box | endpoint | harness for rollouts, judge | box | grader for verdicts."""

    boundary: str
    message: str


@dataclass(frozen=True)
class Rollout:
    """What one attempt left behind. `status`: completed | limit | error; `limit` says which (steps, seconds, tokens, box)."""

    id: str
    task: str
    task_digest: str
    agent: str
    attempt: int
    harness: Json  # name, version
    policy: Json  # name, and digest of the weights or script
    sampling: Json
    status: str
    limit: str
    error: Failure | None
    calls: tuple[Call, ...]
    messages: Json
    tools: Json
    usage: Usage
    seconds: float
    changes: tuple[Change, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class CheckScore:
    id: str
    kind: str
    score: float  # 0 to 1
    why: str


@dataclass(frozen=True)
class Verdict:
    """`id` = digest of (rollout id, verifier digest, digest of the kinds' code, the judge if any). `rubric` None: `score` is code only."""

    id: str
    rollout: str
    task: str
    agent: str
    verifier_digest: str
    status: str  # graded | error
    error: Failure | None
    score: float
    code: float
    rubric: float | None
    solved: bool
    checks: tuple[CheckScore, ...]
    judging: str = "no rubric"  # | not judged | judged
    schema_version: int = SCHEMA_VERSION


def file_of(path: str, content: bytes, mode: int = 0o644) -> File:
    """A File with its digest."""
    return File(path, mode, digests.of_bytes(content), content)


def change_of(path: str, content: bytes, mode: int = 0o644) -> Change:
    """A Change that writes a regular file."""
    return Change(path, "file", mode, len(content), digests.of_bytes(content), content)


def deletion(path: str) -> Change:
    """A Change that removes a path."""
    return Change(path, "deleted", 0, 0, "", None)


def sealed(record: T, *without: str) -> T:
    """The record with its `digest` field filled from all other fields but `id` and those named."""
    skip = {"id", "digest", *without}
    fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(record) if f.name not in skip}  # type: ignore[arg-type]
    return dataclasses.replace(record, digest=digests.digest(fields))  # type: ignore[type-var]
