"""Solutions as scripts: readers of the rendered files, an operation's fragment, writers of what it yields.

A script is what a capable agent would write for this task: standard library (and PyYAML and openpyxl, which the box has), short,
no code shared with the truth.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from generators.relations import NUMBERS, Column, Relation
from generators.renderers import SITE
from generators.renderers.entries import COMMENT, TOTAL, VOID, suffixed
from generators.renderers.lines import expression
from generators.renderers.site import NOISE, label
from generators.renderers.trees import FORMATS as TREE_FORMATS
from generators.views import Binding

IMPORT = re.compile(r"(import|from) \w")
SNIPPETS = Path(__file__).parent / "snippets"
STANDARD = "configparser csv email email.policy html.parser json mailbox os re shutil sqlite3 tomllib urllib.parse urllib.request"
MODULES = (*STANDARD.split(), "openpyxl", "xml.etree.ElementTree", "yaml")
_USES = {m: re.compile(rf"(?<![\w.'\"/]){re.escape(m)}\.") for m in MODULES}
SPECIAL = (("day-first", "day", "day_first"), ("long-dates", "day", "long_day"), ("decimal-comma", "number", "comma_number"))
LOADERS = {"yaml": "yaml.safe_load", "json": "json.load", "toml": "tomllib.load"}


@dataclass(frozen=True)
class Source:
    """A file (or a site) that a script reads: where it lies, its format, and the domain's entry behind it (line pattern, folder)."""

    path: str
    form: str
    spec: dict[str, Any]
    noise: tuple[str, ...] = ()


@functools.cache
def snippet(name: str) -> str:
    """A snippet's text."""
    return (SNIPPETS / f"{name}.py").read_text(encoding="utf-8").strip()


def script(inputs: dict[str, tuple[Binding, Source]], params: dict[str, Any], fragment: str, writing: tuple[list[str], list[str]]) -> str:
    """The whole script. `writing` is (snippets needed, lines that write `result`)."""
    needed: list[str] = []
    body: list[str] = []
    for name, (binding, source) in inputs.items():
        snippets, lines = reading(name, binding, source)
        needed += snippets
        body += lines
    literals = [f"{name} = {literal(value)}" for name, value in params.items() if re.search(rf"\b{name}\b", fragment)]
    needed += writing[0]
    imports = [line for line in fragment.splitlines() if IMPORT.match(line)]
    work = "\n".join(line for line in fragment.splitlines() if not IMPORT.match(line)).strip()
    text = "\n".join([*body, *literals, work, *writing[1]])
    snippets = [snippet(n) for n in dict.fromkeys(needed)]
    return header("\n".join([*snippets, text]), imports) + "\n\n".join([*snippets, text]) + "\n"


def header(text: str, imports: list[str]) -> str:
    """The imports that the text uses, and those that the fragment brought along."""
    used = [m for m in MODULES if f"{m}." in text and _USES[m].search(text) and f"import {m}" not in imports]
    lines = [f"import {', '.join(used)}"] if used else []
    own = "\n".join(imports)
    names = [
        n
        for n in ("date", "datetime", "timedelta")
        if re.search(rf"\b{n}\b", text) and not re.search(rf"from datetime import .*\b{n}\b", own)
    ]
    if names:
        lines.append(f"from datetime import {', '.join(names)}")
    if re.search(r"\bDecimal\b", text) and "from decimal import" not in own:
        lines.append("from decimal import Decimal")
    lines += imports
    return "\n".join([*lines, "", ""]) if lines else ""


def literal(value: Any) -> str:
    """A parameter as Python writes it."""
    if isinstance(value, datetime):
        return f"datetime.fromisoformat({value.isoformat(timespec='minutes')!r})"
    if isinstance(value, date):
        return f"date.fromisoformat({value.isoformat()!r})"
    return f'Decimal("{value}")' if isinstance(value, Decimal) else repr(value)


def reading(name: str, binding: Binding, source: Source) -> tuple[list[str], list[str]]:
    """Snippets and lines that read a source into the list `name` of dicts: the file's own names, and the bound names beside them."""
    relation = binding.relation
    if relation.columns[0].role == "path" and len(relation.columns) == 2 and source.form in TREE_FORMATS:
        if source.form == "ini":
            return ["read_ini"], [f"{name} = read_ini({source.path!r})"]
        return ["read_tree"], [f"{name} = list(leaves({LOADERS[source.form]}(open({source.path!r}, 'rb'))))"]
    if source.form == "files":
        return _reading_files(name, binding, source)
    call, snippets = _call(relation, source)
    source = dataclasses.replace(source, noise=NOISE) if source.form == SITE else source
    parts = _parts(binding, source, snippets, "r")
    where = _where(relation, source)
    if not parts and not where:
        return snippets, [f"{name} = {call}"]
    return snippets, [f"{name} = [{{**r, {', '.join(parts)}}} for r in {call}{where}]" if parts else f"{name} = [r for r in {call}{where}]"]


def _where(relation: Relation, source: Source) -> str:
    """The condition by which lines are left out that are no rows; all of them show in the key."""
    key = relation.column("key")
    if key is None:
        return ""
    got = f"r[{key.name!r}]"
    whole = [text for kind, text in (("total-line", TOTAL), ("repeated-header", key.name)) if kind in source.noise]
    starts = [text for kind, text in (("struck-rows", VOID), ("comment-lines", COMMENT)) if kind in source.noise]
    parts = [f"{got} != {text!r}" for text in whole] + [f"not {got}.startswith({text!r})" for text in starts]
    return f" if {' and '.join(parts)}" if parts else ""


def _odd(column: Column, noise: tuple[str, ...]) -> bool:
    """Whether the file writes the column's values in a way of its own."""
    if column.role in NUMBERS:
        return bool({"thousands", "decimal-comma"} & set(noise)) or ("unit-suffix" in noise and suffixed(column))
    if column.role == "state":
        return "mixed-capitals" in noise
    return column.kind == "date" and bool({"day-first", "long-dates"} & set(noise))


def _parts(binding: Binding, source: Source, snippets: list[str], row: str) -> list[str]:
    """The entries that a row gets beside its own: bound names with typed values, and what the file writes its own way."""
    parts = []
    bound = {c.name for c in binding.names.values()}
    for view, column in zip(binding.view, binding.relation.columns, strict=True):
        if column.name in bound or _odd(column, source.noise) or view != column.name:
            converted = _converted(column, source, snippets)
            if view != column.name or converted != f"r[{column.name!r}]":
                parts.append(f"{view!r}: {converted}")
    return parts


def _call(relation: Relation, source: Source) -> tuple[str, list[str]]:
    path = repr(source.path)
    if source.form in ("log", "minutes"):
        return f"read_lines({path}, {expression(source.spec['line'])!r})", ["read_lines"]
    if source.form in ("mbox", "eml", "ics"):
        names = {c.name: c.role for c in relation.columns}
        return f"read_{source.form}({path}, {names!r})", [*(["mail"] if source.form != "ics" else []), f"read_{source.form}"]
    if source.form in ("xml", "txt"):
        return f"read_{source.form}({path}, {[c.name for c in relation.columns]!r})", [f"read_{source.form}"]
    if source.form == SITE:
        labels = {label(c): c.name for c in relation.columns}
        return f"read_site({path}, {labels!r})", ["read_site"]
    return f"read_{source.form}({path})", [f"read_{source.form}"]


def _converted(column: Column, source: Source, snippets: list[str]) -> str:
    got = f"r[{column.name!r}]"
    kind = {"number": "number", "integer": "number", "date": "day", "timestamp": "moment"}.get(column.kind)
    if column.role in ("span", "seq"):
        return f"int({got})"
    if column.role == "state" and "mixed-capitals" in source.noise:
        return f"{got}.lower()"
    if kind is None:
        return got
    if kind == "number" and "unit-suffix" in source.noise and suffixed(column):
        got = f"({got} or '').removesuffix({f' {column.unit}'!r})"
    kind = next((special for noise, base, special in SPECIAL if base == kind and noise in source.noise), kind)
    if kind not in snippets:
        snippets.append(kind)
    return f"{kind}({got})"


def _reading_files(name: str, binding: Binding, source: Source) -> tuple[list[str], list[str]]:
    """A folder of files whose text says what each one is; `path` is the file's name."""
    expr = expression(re.sub(r"\n$", "", source.spec["body"]))
    path = binding.relation.columns[0].name
    snippets = ["read_folder"]
    call = f"read_folder({source.path!r}, {expr!r}, {path!r})"
    parts = _parts(binding, source, snippets, "r")
    return snippets, [f"{name} = [{{**r, {', '.join(parts)}}} for r in {call}]" if parts else f"{name} = {call}"]


def writing(relation: Relation, columns: list[str], form: str, path: str) -> tuple[list[str], list[str]]:
    """Snippets and lines that write `result` (dicts by `columns`, the truth's names) under the relation's names."""
    names = [c.name for c in relation.columns]
    make = f"os.makedirs({path.rpartition('/')[0]!r}, exist_ok=True)" if "/" in path else ""
    lines = [make] if make else []
    if form in ("csv", "tsv", "md"):
        lines += _grid(names, columns, form, path)
        return [], lines
    pick = f"{{c: plain(r[c]) for c in {names!r}}}" if names == columns else f"{{n: plain(r[c]) for n, c in zip({names!r}, {columns!r})}}"
    lines.append(f"out = [{pick} for r in result]")
    if form == "json":
        lines.append(f"json.dump(out, open({path!r}, 'w', encoding='utf-8'), ensure_ascii=False, indent=1)")
    elif form == "jsonl":
        lines.append(f"open({path!r}, 'w', encoding='utf-8').writelines(json.dumps(o, ensure_ascii=False) + '\\n' for o in out)")
    else:
        lines.append(f"yaml.safe_dump(out, open({path!r}, 'w', encoding='utf-8'), allow_unicode=True, sort_keys=False)")
    return ["plain"], lines


def _grid(names: list[str], columns: list[str], form: str, path: str) -> list[str]:
    same = names == columns
    head = [f"columns = {columns!r}"]
    titles = "columns" if same else repr(names)
    if form == "md":
        return [
            *head,
            f"with open({path!r}, 'w', encoding='utf-8') as f:",
            f"    print('| ' + ' | '.join({titles}) + ' |\\n|' + '---|' * len(columns), file=f)",
            "    for r in result:",
            "        cells = ['' if r[c] is None else str(r[c]).replace('|', '\\\\|') for c in columns]",
            "        print('| ' + ' | '.join(cells) + ' |', file=f)",
        ]
    delimiter = ", delimiter='\\t'" if form == "tsv" else ""
    return [
        *head,
        f"with open({path!r}, 'w', encoding='utf-8', newline='') as f:",
        f"    csv.writer(f{delimiter}).writerows([{titles}] + [[r[c] for c in columns] for r in result])",
    ]
