"""Scenarios, personas, templates and noise against the rest: what they name exists, what they say is complete, somebody can ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specs import bindable, hints, sayings, splits
from specs.corpus import Corpus, Entry
from specs.crosscheck_operations import skeletons
from specs.errors import Problem
from specs.located import Steps
from specs.yields import DRAWN, IN_PLACE

TEMPLATE_WORDS = {  # what generators/artifacts give to each template's sayings
    "table": ("format", "columns", "number", "dates"),
    "tree": ("format",),
    "files": ("partly",),
    "message": ("labels", "first", "person", "limit"),
    "calendar": (),
    "code": ("module",),
    "tests": ("module",),
    "cited": ("format", "columns", "number", "dates", "numbers", "cites"),
}
NOISE_WORDS: dict[str, tuple[str, ...]] = {"file": (), "one": (), "many": ()}


def check_scenario(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """All problems of one scenario."""
    yield from _filed(corpus, entry)
    yield from circles(corpus, entry)
    domain = entry.value.get("domain")
    if domain is not None and not corpus.knows("domain", domain):
        yield entry.problem(("domain",), f"unknown domain '{domain}'", hints.among(domain, corpus.all("domain")))
    yield from _domain(corpus, entry)
    yield from _workflows(corpus, entry)
    yield from _own_words(corpus, entry)
    yield from _askers(corpus, entry)


def circles(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """Circles that the taxonomy does not know."""
    known = corpus.taxonomy("circles")
    for i, circle in enumerate(entry.value.get("circles", [])):
        if known is not None and circle not in known:
            yield entry.problem(("circles", i), f"unknown circle '{circle}'", hints.among(circle, known))


def check_template(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """All problems of one verifier template."""
    kinds = sorted(p.name.removesuffix(".schema.json") for p in (corpus.root / "verifiers" / "kinds").glob("*.schema.json"))
    for i, look in enumerate(entry.value.get("checks", [])):
        if look.get("kind", kinds and kinds[0]) not in kinds:
            yield entry.problem(("checks", i, "kind"), f"unknown kind of check '{look['kind']}'", hints.among(look["kind"], kinds))
    known: dict[str, tuple[str, ...]] = {
        w: () for w in ("out", "kept", "patterned", "glossed", "source", *TEMPLATE_WORDS.get(entry.value.get("fits", ""), ()))
    }
    demands = entry.value.get("demands", {})
    for name, demand in demands.items():
        yield from _form(entry, ("demands", name), demand, known)
    if "together" in entry.value:
        yield from _together(corpus, entry, entry.value["together"], demands)
        yield from sayings.check_skeletons(entry, ("say",), entry.value.get("say", []), {}, {"said": "said"}, False)
    elif demands:
        spoken = {f"{d}_said": d for d in demands} | {d: d for d in demands if d not in known}
        yield from sayings.check_skeletons(entry, ("say",), entry.value.get("say", []), known, spoken, False)


def _form(entry: Entry, steps: Steps, demand: dict[str, Any], known: dict[str, tuple[str, ...]]) -> Iterator[Problem]:
    """One demand of a template; what says it once for several artifacts names nothing of any."""
    yield from sayings.check_all(entry, (*steps, "say"), demand.get("say", []), known)
    if "when" in demand and demand["when"] not in known:
        yield entry.problem((*steps, "when"), f"unknown word '{demand['when']}'", hints.among(demand["when"], sorted(known)))
    for part in ("say_when", "once"):
        for word, texts in demand.get(part, {}).items():
            if word not in known:
                yield entry.problem((*steps, part, word), f"unknown word '{word}'", hints.among(word, sorted(known)), key=True)
            yield from sayings.check_all(entry, (*steps, part, word), texts, known if part == "say_when" else {})


def _together(corpus: Corpus, entry: Entry, together: dict[str, Any], demands: dict[str, Any]) -> Iterator[Problem]:
    templates = corpus.all("template")
    if "with" in together:
        shared = templates[together["with"]].value.get("together", {}) if together["with"] in templates else {}
        if "demands" not in shared:
            hint = hints.among(together["with"], templates)
            yield entry.problem(("together", "with"), f"'{together['with']}' is no template with sentences of its own", hint)
        for name in (n for n in shared.get("demands", []) if n not in demands):
            yield entry.problem(("together", "with"), f"'{together['with']}' states '{name}', and there is no such demand here")
        return
    for i, name in enumerate(together.get("demands", [])):
        if name not in demands:
            yield entry.problem(("together", "demands", i), f"unknown demand '{name}'", hints.among(name, sorted(demands)))
    for scope in ("all", "ours", "rest"):
        yield from sayings.check_all(entry, ("together", scope), together.get(scope, []), {})
    spoken = {"all": "all", "said": "said"}
    yield from sayings.check_skeletons(entry, ("together", "say"), together.get("say", []), {}, spoken, False)


def check_noise(entry: Entry) -> Iterator[Problem]:
    """All problems of the kinds of noise."""
    seen: set[str] = set()
    for i, kind in enumerate(entry.value.get("noise", [])):
        if kind.get("name") in seen:
            yield entry.problem(("noise", i, "name"), f"a second kind called '{kind['name']}'")
        seen |= {kind.get("name", "")}
        words = NOISE_WORDS | ({"column": ()} if "role" in kind else {}) | ({"unit": ()} if kind.get("needs") == "unit" else {})
        yield from sayings.check_all(entry, ("noise", i, "say"), kind.get("say", []), words)
        if "needs" in kind and kind.get("role") != "measure":
            yield entry.problem(("noise", i, "needs"), f"only a measure has {kind['needs']}", "add role: measure", key=True)


def _filed(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    for key, part, what in (("category", "bench", "bench category"), ("subcategory", "scenarios", "row of `scenarios`")):
        known, said = corpus.taxonomy(part), entry.value.get(key)
        if known is not None and said is not None and said not in known:
            yield entry.problem((key,), f"'{said}' is no {what} in the taxonomy", hints.among(said, known))


def _domain(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    domain = corpus.all("domain").get(entry.value.get("domain", ""))
    if domain is None:
        return
    owners, own = domain.value.get("owners"), entry.value.get("circles")
    if owners and own and not set(owners) & set(own):
        yield entry.problem(("circles",), f"none of them keeps '{domain.name}'", f"its owners are {', '.join(owners)}")
    relations = domain.value.get("relations")
    for name in entry.value.get("calls", {}):
        if relations is not None and name not in relations:
            yield entry.problem(("calls", name), f"'{domain.name}' has no relation '{name}'", hints.among(name, relations), key=True)


def _unknown(corpus: Corpus, identity: str) -> str | None:
    """A hint where there is no such operation; None where there is, or where its skill can't be read."""
    skill = identity.partition(".")[0]
    if corpus.operation(identity) is not None or ("operations", skill) in corpus.unread:
        return None
    return hints.among(identity, corpus.operations())


def _workflows(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    for name, steps in entry.value.get("workflows", {}).items():
        place: Steps = ("workflows", name)
        found = [corpus.operation(identity) for identity in steps]
        for i, identity in enumerate(steps):
            hint = _unknown(corpus, identity)
            if hint is not None:
                yield entry.problem((*place, i), f"unknown operation '{identity}'", hint)
        operations = [o for o in found if o is not None and o.get("takes")]
        skills = [corpus.all("operations").get(identity.partition(".")[0]) for identity in steps]
        if len(operations) == len(steps) and all(s and s.whole for s in skills):
            yield from _bound(corpus, entry, place, operations)
            if any(o.get("yields", {}).get("as") == "message" for o in operations) and "people" not in entry.document.value:
                yield entry.problem(place, "writes a message, and the scenario has no 'people'", "say who a message goes to", key=True)


def _bound(corpus: Corpus, entry: Entry, steps: Steps, operations: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    domain = corpus.all("domain").get(entry.value.get("domain", ""))
    relations = domain.value.get("relations") if domain and domain.whole else None
    if not relations:
        return
    stuck = bindable.unbindable(relations, operations)
    if stuck:
        at, why = stuck
        earlier = "no earlier step yields that and " if at else ""
        yield entry.problem((*steps, at), f"can't be bound: it {why}; {earlier}no relation of {entry.value['domain']} has it")


def _own_words(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    used = {identity for steps in entry.value.get("workflows", {}).values() for identity in steps}
    for part in ("phrases", "outputs"):
        for identity, said in entry.value.get(part, {}).items():
            hint = _unknown(corpus, identity)
            operation = corpus.operation(identity)
            if hint is not None:
                yield entry.problem((part, identity), f"unknown operation '{identity}'", hint, key=True)
            elif "workflows" in entry.value and identity not in used:
                yield entry.problem(
                    (part, identity), f"no workflow of this scenario has '{identity}'", hints.among(identity, sorted(used)), key=True
                )
            elif operation is not None and part == "phrases":
                yield from skeletons(entry, (part, identity), said, operation)
            elif operation is not None and part == "outputs" and operation.get("yields", {}).get("as") in DRAWN:
                yield entry.problem(
                    (part, identity), f"'{identity}' changes its input and writes no file of its own", "remove it", key=True
                )
    for key in ("because", "for"):
        if key in entry.value:
            yield from sayings.check(entry, (key,), entry.value[key], {})
    for name, said in entry.value.get("calls", {}).items():
        yield from sayings.check(entry, ("calls", name), said, {})


def _askers(corpus: Corpus, entry: Entry) -> Iterator[Problem]:
    """Some persona of its split must share a circle; where all of a workflow's work is done in place, one who lets originals be changed."""
    own = entry.value.get("circles")
    everybody = corpus.all("persona")
    if not own or not everybody:
        return
    near = [p for p in everybody.values() if set(p.value.get("circles", own)) & set(own)]
    if not near:
        yield entry.problem(("circles",), f"no persona lives in {' or '.join(own)}", "add a circle, or a persona")
        return
    split, fit = _of_its_split(corpus, entry, near)
    if not fit:
        what = f"this scenario belongs to {split}, and no persona of {' or '.join(own)} does"
        yield entry.problem(("circles",), what, f"add a circle or a persona, or write 'split: {'train' if split == 'bench' else 'bench'}'")
        return
    bound = [p for p in fit if p.value.get("habits", {}).get("leave_originals")]
    for name, steps in entry.value.get("workflows", {}).items():
        operations = [corpus.operation(identity) or {} for identity in steps]
        for i, operation in enumerate(operations):
            if operation.get("yields", {}).get("as") in IN_PLACE and len(bound) == len(fit):
                who = ", ".join(p.name for p in fit[:4])
                yield entry.problem(
                    ("workflows", name, i), f"edits in place, and everybody of these circles and of {split} leaves originals alone ({who})"
                )


def _of_its_split(corpus: Corpus, entry: Entry, near: list[Entry]) -> tuple[str, list[Entry]]:
    """The scenario's split, and those of the personas who belong to it; all of them where params.yaml does not tell."""
    params = corpus.all("params").get("params")
    share = params.value.get("compile", {}).get("bench_share") if params else None
    if share is None:
        return "any split", near
    split = splits.split_of(entry.name, entry.value, share)
    return split, [p for p in near if splits.split_of(p.name, p.value, share) == split]
