"""What the model is told: the language of one kind, the names that it may use, two examples; the notes, as material; its mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from specs import located, shape
from specs.catalogue import Catalogue, Operation, Spec
from specs.errors import Problem

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
SECTIONS = {
    "persona": ("Persona",),
    "scenario": ("Scenario", "Operation"),
    "domain": ("Domain",),
    "skill": ("Operation",),
}  # of docs/language.md
GUIDES = {"persona": "A persona", "scenario": "A scenario", "domain": "A domain", "skill": "An operation"}  # of CONTRIBUTING.md
EXAMPLES = 2
LONGEST_EXAMPLE = 24_000  # characters
MOST_TOLD = 40  # mistakes
LONGEST_LINE = 600  # characters of one of them
WORD = re.compile(r"[^\W\d_]{4,}")
FORM = {
    "skill": (
        "Begin each file with a line '=== <path>' and end the last with a line '=== end'. The paths are SKILL.md, operations.yaml and,\n"
        "for each operation, solutions/<operation>.py; there are no others. Two to four operations are enough. None may yield code."
    )
}
ONE_FILE = "Put the one YAML file between a line '=== draft.yaml' and a line '=== end'."


def system(kind: str, specs: Catalogue, notes: str, root: Path = Path()) -> str:
    """All that the model has to know of a kind. `notes` choose the examples that are most like them."""
    taxonomy = located.load(root / "specs/taxonomy.yaml").value
    parts = {
        "KIND": kind,
        "GUIDE": section((REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8"), "###", GUIDES[kind]),
        "FORM": FORM.get(kind, ONE_FILE),
        "LANGUAGE": _language(kind),
        "SCHEMA": (shape.SCHEMAS / f"{'operations' if kind == 'skill' else kind}.schema.json").read_text(encoding="utf-8"),
        "NAMES": "\n".join(_names(kind, specs, taxonomy)),
        "EXAMPLES": "\n\n".join(examples(kind, specs, notes, root)),
    }
    text = (HERE / "system.txt").read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda found: parts[found.group(1)].strip(), text)


def asking(kind: str, notes: str, name: str) -> str:
    """The notes within a fence that does not occur in them."""
    fence = "~" * 8
    while fence in notes:
        fence += "~"
    called = f" Its name must be {name}." if name else ""
    return f"Draft a {kind} from these notes.{called}\n\n{fence}\n{notes.strip()}\n{fence}"


def again(problems: Sequence[Problem]) -> str:
    """The mistakes of an answer, with what would mend them."""
    lines = [str(p).replace("\n", " ")[:LONGEST_LINE] for p in problems[:MOST_TOLD]]
    more = [f"and {len(problems) - MOST_TOLD} more"] if len(problems) > MOST_TOLD else []
    return "\n".join(["These mistakes are in it (file:line:column: where: what; what would help):", *lines, *more, "Mend all of them."])


def section(text: str, level: str, title: str) -> str:
    """A section of a Markdown file by the beginning of its title, without the heading. Raises LookupError where there is none."""
    parts = re.split(rf"^{level} (.*)$", text, flags=re.MULTILINE)
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        if heading.startswith(title):
            return body.partition("\n## ")[0].strip()
    raise LookupError(f"no section '{title}'")


def _language(kind: str) -> str:
    text = (REPOSITORY / "docs/language.md").read_text(encoding="utf-8")
    head = text.partition("\n## ")[0].partition("\n")[2]
    return "\n\n".join([head.strip(), *(section(text, "##", title) for title in SECTIONS[kind])])


def examples(kind: str, specs: Catalogue, notes: str, root: Path = Path()) -> list[str]:
    """The specs of the kind that share most words with the notes, as files; long ones and those that yield code are left out."""
    paths = _files(kind, specs)
    texts = {name: "\n".join(_marked(root / path, path) for path in files) for name, files in paths.items()}
    fit = {name: text for name, text in texts.items() if len(text) <= LONGEST_EXAMPLE} or texts
    wanted = _words(notes)
    chosen = sorted(fit, key=lambda name: (-len(wanted & _words(fit[name])) / (1 + len(_words(fit[name])) ** 0.5), name))[:EXAMPLES]
    return [f"{fit[name]}\n=== end" for name in chosen]


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}


def _files(kind: str, specs: Catalogue) -> dict[str, list[str]]:
    """Paths by name of the specs of a kind that may be shown."""
    if kind != "skill":
        entries: dict[str, Spec] = {"persona": specs.personas, "scenario": specs.scenarios, "domain": specs.domains}[kind]
        return {name: [spec.path] for name, spec in entries.items()}
    plain = {n: s for n, s in specs.skills.items() if all(not o.packaged for o in s.operations.values())}
    return {
        name: [f"{s.path}/SKILL.md", f"{s.path}/operations.yaml", *(f"{s.path}/{o.spec['solution']}" for o in s.operations.values())]
        for name, s in plain.items()
    }


def _marked(path: Path, shown: str) -> str:
    within = shown.split("/", 2)[2] if shown.startswith("skills/") else "draft.yaml"
    return f"=== {within}\n{path.read_text(encoding='utf-8').rstrip()}"


def _names(kind: str, specs: Catalogue, taxonomy: dict[str, Any]) -> Iterable[str]:
    """Lines that list what a spec of the kind may name, and the names that are taken."""
    if kind in ("persona", "scenario", "domain"):
        yield from _listed("circles", taxonomy["circles"])
    if kind == "scenario":
        yield from _listed("category", taxonomy["bench"])
        yield from _listed("subcategory", [row for rows in taxonomy["scenarios"].values() for row in rows])
        yield from _relations(specs)
        yield "operations, with what they take by role, what they yield, and the demands that each phrase has to name once:"
        yield from (f"- {_operation(o)}" for o in specs.operations())
    if kind == "domain":
        yield from _listed("noise", specs.noise)
    if kind == "skill":
        yield from _listed("atomic", [row for rows in taxonomy["atomic"].values() for row in rows])
        yield from _relations(specs)
    if kind in ("skill", "domain"):
        yield from _listed("roles", {n: r["means"] for n, r in taxonomy["roles"].items()})
    yield from _listed("taken names", _files(kind, specs) if kind != "skill" else specs.skills)


def _listed(what: str, names: Iterable[str] | dict[str, str]) -> Iterable[str]:
    shown = (
        [f"{n} ({m})" for n, m in names.items()] if isinstance(names, dict) and all(isinstance(m, str) for m in names.values()) else names
    )
    yield f"{what}: {'; '.join(map(str, shown))}"


def _relations(specs: Catalogue) -> Iterable[str]:
    yield "domains, with their owners, relations and columns by role:"
    for name, domain in specs.domains.items():
        yield f"- {name} ({', '.join(domain['owners'])}): " + "; ".join(_relation(n, r) for n, r in domain["relations"].items())


def _relation(name: str, spec: dict[str, Any]) -> str:
    derived = [f"{how} {spec[how]}" for how in ("per", "like", "changes") if how in spec]
    columns = [f"{c} {how.get('role', '')}" for c, how in spec.get("columns", {}).items()] or ["a tree"] * ("tree" in spec)
    return f"{name} ({', '.join([*derived, *columns, *(['same'] if 'same' in spec else [])])})"


def _operation(operation: Operation) -> str:
    spec = operation.spec
    takes = "; ".join(
        f"{name}: {', '.join(' or '.join(r) if isinstance(r, list) else r for r in binds.values())}"
        for name, binds in spec["takes"].items()
    )
    return f"{operation.id}: {spec['about']}. Takes {takes}. Yields {spec['yields']['as']}. Demands: {', '.join(spec['demands'])}."
