"""A task's workspace: the drawn relations written down where the persona keeps such things, with noise, decoys and the skills at hand."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from generators import chain, rendering
from generators.chain import Bases, Step
from generators.misreading import style_of
from generators.noises import Noise
from generators.operate import Unfit
from generators.places import Places, filing
from generators.relations import Relation
from generators.renderers import SITE, lines, site, trees
from generators.scripts import Source
from specs import records
from specs.catalogue import Catalogue, Skill

STRAYS = 2


@dataclass(frozen=True)
class Written:
    """Files by path; where each drawn relation lies; pages that are served, by path below the site's address.

    `lines` has, for each relation in a file of lines, by key the file and the line of a row (from 1), those of its outdated twin as well.
    """

    files: dict[str, bytes]
    sources: dict[str, Source]
    pages: dict[str, bytes] = field(default_factory=dict)
    lines: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)


def forms(
    domain: dict[str, Any], bases: Bases, twins: Bases, names: Iterable[str], steps: Sequence[Step], rng: random.Random
) -> dict[str, str]:
    """A format for each relation's file and its twin's; data that a package works on is JSON, what has to be a site is one.

    Raises Unfit where none can hold the rows.
    """
    code = {i.base for s in steps if s.operation.packaged for i in s.inputs.values()}
    served = {i.base for s in steps for n, i in s.inputs.items() if i.step < 0 and chain.on_site(s.operation, n)}
    cited = {chain.origin(steps, i) for s in steps for n, i in s.inputs.items() if chain.on_lines(s.operation, n)}
    tree = {i.base for s in steps if s.operation.spec["yields"]["as"] == "tree" for i in list(s.inputs.values())[:1]}
    chosen = {}
    for name in names:
        spec = spec_of(domain, name)
        offered = [f for f in spec["formats"] if (name not in tree or f in trees.FORMATS) and (name not in served or f == SITE)]
        offered = [f for f in offered if name not in cited or f in lines.FORMATS]
        if name in code:
            offered = ["json"] if name not in served else []
        chosen[name] = _held(offered, (bases[name], twins[name]), spec, rng)
    return chosen


def _held(offered: Sequence[str], relations: Sequence[Relation], spec: dict[str, Any], rng: random.Random) -> str:
    """One of the formats that hold all these rows. Raises Unfit where none does."""
    for form in rng.sample(offered, len(offered)):
        if all(rendering.holds(form, relation, spec) for relation in relations):
            return form
    raise Unfit(f"no format of {relations[0].name} holds its rows")


def write(
    domain: dict[str, Any],
    bases: Bases,
    decoys: Bases,
    form: dict[str, str],
    noises: Sequence[Noise],
    used: Sequence[str],
    places: Places,
    seed: str,
) -> Written:
    """Write the relations that steps use, an outdated twin of each, and some that nobody asks for. A site's twin is its archive."""
    rng = random.Random(f"{seed}/workspace")
    files: dict[str, bytes] = {}
    pages: dict[str, bytes] = {}
    sources: dict[str, Source] = {}
    numbered: dict[str, dict[str, tuple[str, int]]] = {}
    for name in used:
        spec = domain["relations"][name]
        stem = rng.choice(spec["files"])
        if form[name] == SITE:
            sources[name] = Source(places.site(stem), SITE, spec_of(domain, name))
            pages |= rendering.pages_of(bases[name], spec, sources[name].path, f"{seed}/{name}", decoys.get(name))
            continue
        filed = filing(domain, bases, name)
        path = places.input(stem, form[name], *filed)
        kinds = tuple(n.kind for n in noises if n.relation == name)
        files |= rendering.files_of(bases[name], spec_of(domain, name), form[name], path, seed, style_of(kinds))
        own = _numbered(bases[name], spec_of(domain, name), form[name], path, seed, kinds)
        sources[name] = Source(path, form[name], spec_of(domain, name), kinds)
        if name in decoys:
            old = places.decoy(stem, form[name], rng, *filed)
            files |= rendering.files_of(decoys[name], spec_of(domain, name), form[name], old, seed)
            own = {**_numbered(decoys[name], spec_of(domain, name), form[name], old, seed), **own}
        numbered[name] = own
    others = [n for n in domain["relations"] if n not in used]
    for name in rng.sample(others, min(STRAYS, len(others))):
        spec = domain["relations"][name]
        try:
            stray = _held([f for f in spec["formats"] if f != SITE], (bases[name],), spec_of(domain, name), rng)
        except Unfit:
            continue
        path = places.input(rng.choice(spec["files"]), stray, *filing(domain, bases, name))
        files |= rendering.files_of(bases[name], spec_of(domain, name), stray, path, seed)
    return Written(files, sources, pages | _home(domain, sources), numbered)


def _numbered(
    relation: Relation, spec: dict[str, Any], form: str, path: str, seed: str, kinds: Sequence[str] = ()
) -> dict[str, tuple[str, int]]:
    """By key, where a row stands; nothing in formats that are not lines."""
    if form not in lines.FORMATS:
        return {}
    return {key: (path, number) for key, number in lines.numbers(relation, spec, form, seed, style_of(kinds)).items()}


def _home(domain: dict[str, Any], sources: dict[str, Source]) -> dict[str, bytes]:
    """The page at the root of what is served, if anything is."""
    sites = {name: source.path.rstrip("/").rpartition("/")[2] for name, source in sources.items() if source.form == SITE}
    relations = domain["relations"]
    return {"index.html": site.home((f, relations[n]["many"], relations[n]["site"]) for n, f in sites.items())} if sites else {}


def spec_of(domain: dict[str, Any], name: str) -> dict[str, Any]:
    """A relation's entry; a copy has the line, folder and body of what it copies."""
    spec = domain["relations"][name]
    if "like" in spec:
        base = domain["relations"][spec["like"]]
        return {**{k: v for k, v in base.items() if k in ("line", "folder", "body", "columns", "tree")}, **spec}
    return dict(spec)


def skill_files(catalogue: Catalogue, skills: Iterable[str]) -> list[records.File]:
    """What enters the box of each skill: SKILL.md and the folder files/, below .skills/."""
    return [f for name in skills for f in _skill_files(catalogue.skills[name])]


def _skill_files(skill: Skill) -> list[records.File]:
    entering = {"SKILL.md": skill.text.encode()} | {f"files/{path}": content for path, content in skill.files.items()}
    return [records.file_of(f".skills/{skill.name}/{path}", content) for path, content in entering.items()]
