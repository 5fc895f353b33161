"""A spec tree of one thing each, for tests: valid as it is, and broken by replacing a part of a file's text."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

DOMAIN = """\
name: till
about: What a small shop takes and what its bank says of it.
owners: [small-firm, household]
relations:
  sales:
    one: sale
    many: sales
    files: [sales, till]
    formats: [csv, json]
    rows: [12, 16]
    same: [sold, buyer, price]
    repeats: 2
    columns:
      no: {role: key, draw: {pattern: "S-{:04}"}}
      sold: {role: when, draw: {dates: [2026-01-03, 2026-02-28]}}
      buyer: {role: party, draw: {pick: [Ada, Béla, Chi, Dov]}}
      shelf: {role: group, draw: {pick: [tea, jam, rope]}}
      price: {role: measure, unit: EUR, decimals: 2, draw: {number: [4, 90], step: 0.5}, blank: 0.1}
      status: {role: state, draw: {weigh: {open: 3, paid: 5}}}
    noise: [total-line]
  targets:
    one: target
    many: targets
    files: [targets]
    formats: [csv]
    per: sales.shelf
    columns:
      shelf: {role: group}
      target: {role: measure, decimals: 2, draw: {number: [60, 90], step: 10}}
  bank:
    one: bank line
    many: bank lines
    files: [bank]
    formats: [csv]
    like: sales
    keep: [no, sold, price]
    differs: {missing: 2, changed: {price: 1}}
  fixes:
    one: fix
    many: fixes
    files: [fixes]
    formats: [md]
    changes: sales
    touches: [price, status]
  talks:
    one: task
    many: tasks
    files: [minutes]
    formats: [minutes]
    line: "- [{state}] {who}: {what} (due {due}, no. {id})"
    columns:
      id: {role: key, draw: {pattern: "{:04}"}}
      who: {role: party, draw: {pick: [Ada, Chi]}}
      what: {role: title, draw: {pick: [order jam, mend the door]}}
      due: {role: when, draw: {dates: [2026-01-03, 2026-02-28]}}
      state: {role: state, draw: {pick: [todo, done]}}
  papers:
    one: paper
    many: papers
    files: [papers]
    formats: [files]
    folder: inbox
    columns:
      name: {role: path, draw: {name: "{got}_{id}.txt"}}
      id: {role: key, draw: {pattern: "{:03}"}}
      got: {role: when, draw: {dates: [2026-01-03, 2026-02-28]}}
    body: "No. {id}, got {got}.\\n"
  settings:
    one: setting
    many: settings
    files: [till-settings]
    formats: [yaml]
    tree:
      server.port: {integer: [8000, 8999]}
      server.tls: {pick: [true, false]}
      label: {pick: [a, b]}
"""
OPERATIONS = """\
skill: counting
tasks: 1
operations:
  - name: total
    about: a measure summed up by a group
    atomic: basic statistics and aggregates
    takes:
      rows: {group: group, measure: measure}
    params:
      n: {integer: [2, 3]}
    truth: >
      SELECT "group", sum(measure) AS total FROM rows WHERE measure IS NOT NULL
      GROUP BY "group" ORDER BY total DESC, "group" LIMIT $n
    yields:
      as: table
      columns: {group: group, total: {like: measure, name: "total_{{ measure }}"}}
      ordered: true
    demands:
      input: {say: ["from {{ rows }}", "out of {{ rows.file }}"], mutant: {input: rows}}
      count: {say: ["the {{ n|words }} largest {{ measure }} totals"], mutant: {param: n}}
      order:
        say: ["largest first, then by {{ group.name }}"]
        witness: SELECT * FROM rows LIMIT 2
        mutant: {swap: ['total DESC, "group"', 'total, "group"']}
    say:
      - "{{ count|s }} {{ input }} go to {{ out }}, {{ order }}."
    solution: solutions/total.py
  - name: once
    about: rows that stand there once
    atomic: filter, sort, rank
    takes: {rows: {key: key}}
    needs: {rows: same}
    truth: SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY sameness ORDER BY key) = 1
    yields: {as: table, columns: same}
    demands:
      input: {say: ["{{ rows }} without repeats of {{ same }}"], mutant: {sql: SELECT * FROM rows}}
    say: ["{{ input|s }} to {{ out }}."]
    solution: solutions/once.py
"""
SCENARIO = """\
name: market-day
category: Analysis & Reasoning
subcategory: data analysis and calculation
circles: [small-firm]
domain: till
because: The market is tomorrow and the till roll is all I have.
for: I want to know what to carry.
calls: {sales: the till roll}
workflows:
  clean: [counting.once, counting.total]
phrases:
  counting.total: ["What sells: {{ count }} {{ input }}, {{ order }}, in {{ out }}."]
outputs: {counting.total: what-sells}
tasks: 2
"""
PERSONA = """\
name: grocer
who: Ada Quist, 40, sells tea and rope in a small town.
circles: [small-firm]
voice: [brisk]
opens: ["Ada here."]
habits:
  folder: shop
  out: results
  formats: [csv]
"""
SKILL = """\
---
name: counting
description: Use this when rows are to be counted or summed up.
---
# Counting
Read all rows before you count.
"""
FILES = {
    "specs/domains/till.yaml": DOMAIN,
    "skills/counting/operations.yaml": OPERATIONS,
    "skills/counting/SKILL.md": SKILL,
    "skills/counting/solutions/total.py": "result = [r for r in rows]\n",
    "skills/counting/solutions/once.py": "result = [r for r in rows]\n",
    "specs/scenarios/market-day.yaml": SCENARIO,
    "personas/grocer.yaml": PERSONA,
}
RIGHT = {
    "total": (
        "sums = {}\nfor r in rows:\n    if r['measure'] is not None:\n        sums[r['group']] = sums.get(r['group'], 0) + r['measure']\n"
        "result = [{'group': g, 'total': s} for g, s in sorted(sums.items(), key=lambda i: (-i[1], i[0]))][:n]\n"
    ),
    "once": (
        "seen = {}\nfor r in sorted(rows, key=lambda r: r['key']):\n    seen.setdefault(tuple(r[c] for c in same), r)\n"
        "result = list(seen.values())\n"
    ),
}
OWN = ("specs/templates/table.yaml", "specs/noise.yaml", "specs/taxonomy.yaml", "params.yaml", "verifiers/kinds/table.schema.json")


def tree(root: Path) -> Path:
    """Write the whole tree under `root`; templates, noise and taxonomy are the repository's."""
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    for path in OWN:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, root / path)
    params = (root / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(re.sub(r"(?m)^(compile:\n.*\n  scale:) [\d.]+", r"\1 1.0", params), encoding="utf-8")
    return root


def solved(root: Path) -> Path:
    """The tree with solutions that are right."""
    tree(root)
    for name, text in RIGHT.items():
        (root / f"skills/counting/solutions/{name}.py").write_text(text, encoding="utf-8")
    return root


def replace(root: Path, path: str, old: str, new: str) -> None:
    """Replace a part of a file, which must occur."""
    text = (root / path).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")
