"""Validating: every kind of mistake is found where it is, all in one run, and the repository's own YAML has none."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import tinyspecs

from specs import located, validate

DOMAIN = "specs/domains/till.yaml"
OPERATIONS = "skills/counting/operations.yaml"
SCENARIO = "specs/scenarios/market-day.yaml"
PERSONA = "personas/grocer.yaml"
TEMPLATE = "specs/templates/table.yaml"

MISTAKES = {
    # shape
    "unknown key": (DOMAIN, "    many: sales\n", "    mny: sales\n", "relations.sales.mny: unknown key 'mny'; did you mean 'many'?"),
    "missing key": (SCENARIO, "domain: till\n", "", "lacks 'domain'"),
    "not of the enum": (DOMAIN, "formats: [csv, json]", "formats: [cvs, json]", "formats[0]: 'cvs' is not one of"),
    "wrong type": (DOMAIN, "repeats: 2", "repeats: two", "repeats: 'two' is not a whole number"),
    "two ways to draw": (DOMAIN, "{pick: [tea, jam, rope]}", "{pick: [tea, jam, rope], weigh: {a: 1, b: 1}}", "draw: has pick and weigh"),
    "no way to draw": (DOMAIN, "{pick: [tea, jam, rope]}", "{step: 1}", "draw: has none of pattern"),
    "draw against the role": (
        DOMAIN,
        "draw: {pick: [tea, jam, rope]}",
        "draw: {number: [1, 9]}",
        "draw.number: 'number' does not belong here",
    ),
    "name not in kebab-case": (SCENARIO, "clean: [", "Clean Up: [", "workflows.Clean Up: 'Clean Up' is not written as a name"),
    "columns beside like": (DOMAIN, "    like: sales\n", "    like: sales\n    rows: [3, 4]\n", "bank.rows: 'rows' does not belong here"),
    "repeats without same": (DOMAIN, "    same: [sold, buyer, price]\n", "", "repeats: 'repeats' goes only with 'same'"),
    "line missing": (DOMAIN, "formats: [csv, json]", "formats: [csv, log]", "relations.sales: lacks 'line'"),
    "demand without saying": (
        OPERATIONS,
        'count: {say: ["the {{ n|words }} largest {{ measure }} totals"], ',
        "count: {",
        "demands.count: lacks 'say'",
    ),
    "demand without mutant": (OPERATIONS, ", mutant: {param: n}}", "}", "demands.count: lacks 'mutant'"),
    "message without facts": (OPERATIONS, "      as: table\n", "      as: message\n", "yields: lacks 'facts'"),
    "not code, yet a source": (
        OPERATIONS,
        "    solution: solutions/total.py",
        "    solution: solutions/total.py\n    source: sources/x",
        "'source' does not belong",
    ),
    # domains
    "unknown owner": (
        DOMAIN,
        "[small-firm, household]",
        "[small-frm, household]",
        "owners[0]: unknown circle 'small-frm'; did you mean 'small-firm'?",
    ),
    "unknown base": (DOMAIN, "like: sales", "like: sale", "bank.like: unknown relation 'sale'; did you mean 'sales'?"),
    "unknown column of per": (
        DOMAIN,
        "per: sales.shelf",
        "per: sales.shelves",
        "targets.per: 'sales' has no column 'shelves'; did you mean 'shelf'?",
    ),
    "derived from derived": (DOMAIN, "changes: sales", "changes: bank", "fixes.changes: 'bank' is itself derived"),
    "unknown kept column": (
        DOMAIN,
        "keep: [no, sold, price]",
        "keep: [no, sold, prize]",
        "keep[2]: 'sales' has no column 'prize'; did you mean 'price'?",
    ),
    "key not kept": (DOMAIN, "keep: [no, sold, price]", "keep: [sold, price]", "keep: leaves out the key"),
    "unknown touched column": (
        DOMAIN,
        "touches: [price, status]",
        "touches: [price, state]",
        "touches[1]: 'sales' has no column 'state'; did you mean 'status'?",
    ),
    "touches another role": (DOMAIN, "touches: [price, status]", "touches: [price, buyer]", "touches[1]: 'buyer' has the role party"),
    "two states under changes": (DOMAIN, "shelf: {role: group, draw", "shelf: {role: state, draw", "must have exactly one state column"),
    "unknown same column": (
        DOMAIN,
        "same: [sold, buyer, price]",
        "same: [sold, byer, price]",
        "same[1]: unknown column 'byer'; did you mean 'buyer'?",
    ),
    "unknown noise": (
        DOMAIN,
        "noise: [total-line]",
        "noise: [total-lime]",
        "noise[0]: unknown kind of noise 'total-lime'; did you mean 'total-line'?",
    ),
    "too few keys": (DOMAIN, '"S-{:04}"', '"S-{:01}"', "draw.pattern: 'S-{:01}' has too few numbers for 18 rows"),
    "decimals cut off": (DOMAIN, "step: 0.5}, blank", "step: 0.125}, blank", "draw.step: 0.125 has more decimals"),
    "days the wrong way": (
        DOMAIN,
        "[2026-01-03, 2026-02-28]",
        "[2026-03-03, 2026-02-28]",
        "draw.dates: the first day comes after the last",
    ),
    "no such day": (DOMAIN, "[2026-01-03, 2026-02-28]", "[2026-01-03, 2026-02-30]", "draw.dates[1]: there is no day 2026-02-30"),
    "no draw": (
        DOMAIN,
        "status: {role: state, draw: {weigh: {open: 3, paid: 5}}}",
        "status: {role: state}",
        "columns.status: lacks 'draw'",
    ),
    "no key": (
        DOMAIN,
        'id: {role: key, draw: {pattern: "{:04}"}}',
        "id: {role: text, draw: {pick: [a, b]}}",
        "talks.columns: no column has the role key",
    ),
    "line leaves a column out": (DOMAIN, ", no. {id})", ")", "talks.line: does not name the column 'id'"),
    "line with unknown column": (DOMAIN, "{what} (due", "{wat} (due", "talks.line: unknown column 'wat'; did you mean 'what'?"),
    "line names a column twice": (DOMAIN, "{what} (due", "{what} {who} (due", "names 2 times the column 'who'"),
    "separator in a value": (DOMAIN, "draw: {pick: [Ada, Chi]}", 'draw: {pick: ["Ada: B", Chi]}', "draw.pick[0]: 'Ada: B' contains ': '"),
    "blank in a line": (
        DOMAIN,
        "draw: {pick: [todo, done]}",
        "blank: 0.2, draw: {pick: [todo, done]}",
        "state.blank: a line has no place for a blank",
    ),
    "ics without roles": (DOMAIN, "formats: [csv, json]", "formats: [csv, ics]", "formats[1]: ics needs a column with the role title"),
    "eml without roles": (DOMAIN, "formats: [csv, json]", "formats: [csv, eml]", "formats[1]: eml needs a column with the role title"),
    "ini of a table": (DOMAIN, "formats: [csv, json]", "formats: [csv, ini]", "formats[1]: ini is for trees only"),
    "ini without a section": (
        DOMAIN,
        "formats: [yaml]",
        "formats: [ini]",
        "settings.formats[0]: ini keeps settings in sections, and 'label' has none",
    ),
    "noise without a unit": (
        DOMAIN,
        "price: {role: measure, unit: EUR, decimals: 2, draw: {number: [4, 90], step: 0.5}, blank: 0.1}\n      status: {role: state, draw: {weigh: {open: 3, paid: 5}}}\n    noise: [total-line]",
        "price: {role: measure, decimals: 2, draw: {number: [4, 90], step: 0.5}, blank: 0.1}\n      status: {role: state, draw: {weigh: {open: 3, paid: 5}}}\n    noise: [unit-suffix]",
        "noise[0]: 'unit-suffix' needs a measure with unit",
    ),
    "noise in no format": (
        DOMAIN,
        "formats: [csv, json]",
        "formats: [sqlite, json]",
        "noise[0]: 'total-line' occurs only in csv, tsv, md, html, xlsx",
    ),
    "noise needs what no date has": (
        "specs/noise.yaml",
        "    role: when\n",
        "    role: when\n    needs: unit\n",
        "noise[0].needs: only a measure has unit",
    ),
    "noise with a word that it lacks": (
        "specs/noise.yaml",
        "Dates in {{ file }} are typed day first.",
        "Dates in {{ file }} are typed {{ unit }}.",
        "noise[0].say[0]: unknown word 'unit'",
    ),
    "a site of nobody's": (
        DOMAIN,
        "formats: [csv, json]",
        "formats: [csv, site]",
        "relations.sales: lacks 'site'; Who publishes this list",
    ),
    "a publisher without a site": (
        DOMAIN,
        "    formats: [csv, json]\n",
        "    formats: [csv, json]\n    site: {name: The Till, about: What we sell., news: [Open on Sunday., Closed on Monday.]}\n",
        "sales.site: nothing is published in this way; add `site` to the formats",
    ),
    "body leaves a column out": (DOMAIN, "No. {id}, got {got}", "No. {id}", "papers.body: does not name the column 'got'"),
    "file name without key": (DOMAIN, "{got}_{id}.txt", "{got}.txt", "draw.name: two files could have the same name"),
    "value and group in a tree": (DOMAIN, "      label:", "      server:", "tree.server: is a value here and a group in 'server.port'"),
    "settings of its own in a copy that is no tree": (
        DOMAIN,
        "differs: {missing: 2, changed: {price: 1}}",
        "differs: {missing: 2, adds: {server.name: {pick: [a, b]}}}",
        "bank.differs.adds: only a copy of a tree has settings of its own",
    ),
    "a copy's own setting that the other has": (
        DOMAIN,
        "      label: {pick: [a, b]}\n",
        "      label: {pick: [a, b]}\n  rehearsal:\n    one: setting\n    many: settings\n    files: [rehearsal]\n    formats: [yaml]\n"
        "    like: settings\n    differs: {adds: {server.port.low: {pick: [1, 2]}}}\n",
        "rehearsal.differs.adds.server.port.low: the other has 'server.port'",
    ),
    "an extra setting": (
        DOMAIN,
        "      label: {pick: [a, b]}\n",
        "      label: {pick: [a, b]}\n  rehearsal:\n    one: setting\n    many: settings\n    files: [rehearsal]\n    formats: [yaml]\n"
        "    like: settings\n    differs: {extra: 2}\n",
        "rehearsal.differs.extra: a setting can't be made up",
    ),
    # operations
    "unknown atomic row": (
        OPERATIONS,
        "atomic: filter, sort, rank",
        "atomic: filter and sort",
        "operations[1].atomic: 'filter and sort' is no row",
    ),
    "unknown role": (OPERATIONS, "measure: measure}", "measure: mesure}", "takes.rows.measure: 'mesure' is not one of"),
    "skill is not the folder": (OPERATIONS, "skill: counting", "skill: sums", "skill: 'sums' is not the folder's name"),
    "SQL that does not parse": (OPERATIONS, 'GROUP BY "group" ORDER', 'GROUP "group" ORDER', "operations[0].truth: "),
    "unknown view": (OPERATIONS, "FROM rows WHERE measure", "FROM row WHERE measure", "truth: unknown view 'row'; did you mean 'rows'?"),
    "unknown parameter": (OPERATIONS, "LIMIT $n", "LIMIT $m", "truth: unknown parameter '$m'"),
    "columns against the truth": (
        OPERATIONS,
        "columns: {group: group, total:",
        "columns: {group: group, sum:",
        "yields.columns: are group, sum, but the truth selects group, total",
    ),
    "unbound column": (
        OPERATIONS,
        "{like: measure,",
        "{like: mesure,",
        "columns.total.like: 'mesure' is not bound by any input; did you mean 'measure'?",
    ),
    "from an unbound column": (OPERATIONS, "n: {integer: [2, 3]}", "n: {from: rows.state}", "params.n.from: 'state' is not bound by rows"),
    "unordered truth": (
        OPERATIONS,
        "yields: {as: table, columns: same}",
        "yields: {as: table, columns: same, ordered: true}",
        "operations[1].yields.ordered: the truth says no order",
    ),
    "swap that does not occur": (
        OPERATIONS,
        "swap: ['total DESC, \"group\"'",
        "swap: ['totals DESC, \"group\"'",
        "swap[0]: 'totals DESC, \"group\"' does not occur in the truth; there is 'total DESC, \"group\"'",
    ),
    "swap that breaks the SQL": (OPERATIONS, ", 'total, \"group\"']", ", 'total, )']", "demands.order.mutant.swap: "),
    "swap that changes nothing": (OPERATIONS, ", 'total, \"group\"']", ", 'total DESC, \"group\"']", "mutant.swap: changes nothing"),
    "part of a number": (
        OPERATIONS,
        "n: {integer: [2, 3]}",
        "n: {integer: [2, 3], part: first}",
        "params.n.part: 'part' goes only with 'from'",
    ),
    "unknown param of a mutant": (OPERATIONS, "mutant: {param: n}", "mutant: {param: m}", "mutant.param: unknown param 'm'"),
    "unknown input of a mutant": (OPERATIONS, "mutant: {input: rows}", "mutant: {input: row}", "mutant.input: unknown input 'row'"),
    "witness that does not parse": (
        OPERATIONS,
        "witness: SELECT * FROM rows LIMIT 2",
        "witness: SELECT * FROM rows LIMIT (",
        "demands.order.witness: ",
    ),
    "unknown word": (
        OPERATIONS,
        "largest {{ measure }} totals",
        "largest {{ mesure }} totals",
        "demands.count.say[0]: unknown word 'mesure'; did you mean 'measure'?",
    ),
    "unknown part of a word": (
        OPERATIONS,
        "out of {{ rows.file }}",
        "out of {{ rows.fle }}",
        "demands.input.say[1]: 'rows' has no part 'fle'; did you mean 'file'?",
    ),
    "unknown filter": (OPERATIONS, "{{ n|words }}", "{{ n|word }}", "demands.count.say[0]: unknown filter 'word'; did you mean 'words'?"),
    "Jinja that does not parse": (OPERATIONS, "out of {{ rows.file }}", "out of {{ rows.file }", "demands.input.say[1]: not Jinja"),
    "a need of something else": (OPERATIONS, "needs: {rows: same}", "needs: {rows: page}", "needs.rows: 'page' is not one of same, site"),
    "same without need": (OPERATIONS, "    needs: {rows: same}\n", "", "demands.input.say[0]: unknown word 'same'"),
    "demand unsaid": (OPERATIONS, ", {{ order }}.", ".", "operations[0].say[0]: does not name the demand 'order'; write {{ order }} once"),
    "demand said twice": (OPERATIONS, ", {{ order }}.", ", {{ order }}, {{ order }}.", "say[0]: names 2 times the demand 'order'"),
    "skeleton names no demand": (OPERATIONS, ", {{ order }}.", ", {{ order }}, {{ tie }}.", "say[0]: unknown word 'tie'"),
    "out unsaid": (OPERATIONS, "to {{ out }}.", "somewhere.", "operations[1].say[0]: does not name {{ out }}"),
    "solution missing": (
        OPERATIONS,
        "solutions/once.py",
        "solutions/onec.py",
        "operations[1].solution: there is no skills/counting/solutions/onec.py; did you mean 'solutions/once.py'?",
    ),
    "solution that is no Python": ("skills/counting/solutions/once.py", "result = [", "result = ((", "solutions/once.py:1:"),
    "solution without result": (
        "skills/counting/solutions/once.py",
        "result = [",
        "found = [",
        "solutions/once.py:1:1: leaves no `result`",
    ),
    "SKILL.md of another name": (
        "skills/counting/SKILL.md",
        "name: counting",
        "name: count",
        "SKILL.md:1:1: name: 'count' is not the folder's name",
    ),
    "SKILL.md without front matter": ("skills/counting/SKILL.md", "---\nname", "name", "SKILL.md:1:1: no front matter"),
    "no template fits": (
        OPERATIONS,
        "yields: {as: table, columns: same}",
        "yields: {as: tree, columns: same}",
        "operations[1].yields.as: no template fits 'tree'",
    ),
    # scenarios
    "unknown category": (
        SCENARIO,
        "category: Analysis & Reasoning",
        "category: Analysis and Reasoning",
        "category: 'Analysis and Reasoning' is no bench category",
    ),
    "unknown subcategory": (SCENARIO, "data analysis and calculation", "data analysis", "subcategory: 'data analysis' is no row"),
    "unknown domain": (SCENARIO, "domain: till", "domain: tills", "domain: unknown domain 'tills'; did you mean 'till'?"),
    "unknown circle": (
        SCENARIO,
        "circles: [small-firm]",
        "circles: [small-firm, klub]",
        "circles[1]: unknown circle 'klub'; did you mean 'club'?",
    ),
    "circles that keep no such thing": (SCENARIO, "circles: [small-firm]", "circles: [school]", "circles: none of them keeps 'till'"),
    "nobody to ask": (SCENARIO, "circles: [small-firm]", "circles: [household]", "circles: no persona lives in household"),
    "unknown operation": (
        SCENARIO,
        "counting.once, counting.total]",
        "counting.once, counting.totals]",
        "workflows.clean[1]: unknown operation 'counting.totals'; did you mean 'counting.total'?",
    ),
    "phrase for nothing": (SCENARIO, "  counting.total: [", "  counting.sum: [", "phrases.counting.sum: unknown operation"),
    "phrase leaves a demand out": (
        SCENARIO,
        "{{ input }}, {{ order }}",
        "{{ input }}",
        "phrases.counting.total[0]: does not name the demand 'order'",
    ),
    "output of no workflow": (
        SCENARIO,
        "clean: [counting.once, counting.total]",
        "clean: [counting.once]",
        "outputs.counting.total: no workflow of this scenario has",
    ),
    "unknown relation called": (
        SCENARIO,
        "calls: {sales:",
        "calls: {sells:",
        "calls.sells: 'till' has no relation 'sells'; did you mean 'sales'?",
    ),
    "a step that can't be bound": (
        OPERATIONS,
        "takes: {rows: {key: key}}",
        "takes: {rows: {key: key, span: span}}",
        "workflows.clean[0]: can't be bound: it takes key, span and `same`",
    ),
    "scenario's file name": (SCENARIO, "name: market-day", "name: market", "name: 'market' is not the file's name"),
    # personas, templates
    "results among inputs": (PERSONA, "out: results", "out: shop", "habits.out: results would lie among the inputs"),
    "unknown kind of check": (
        TEMPLATE,
        "kind: table",
        "kind: tabel",
        "checks[0].kind: unknown kind of check 'tabel'; did you mean 'table'?",
    ),
    "template skeleton": (TEMPLATE, '  - "{{ said|s }}, please."', '  - "Please."', "say[0]: does not name the demand 'said'"),
    "together: skeleton": (
        TEMPLATE,
        '"{{ all|s }} {{ said }}, please."',
        '"{{ said|s }}."',
        "together.say[0]: does not name the demand 'all'",
    ),
    "together: demand": (TEMPLATE, "[form, iso]", "[from, iso]", "together.demands[0]: unknown demand 'from'; did you mean 'form'?"),
    "template: once when": (
        TEMPLATE,
        "once:\n      kept:",
        "once:\n      keptt:",
        "once.keptt: unknown word 'keptt'; did you mean 'kept'?",
    ),
    "called": (
        OPERATIONS,
        "yields: {as: table, columns: same}",
        'yields: {as: table, columns: same, called: ["the {{ lots }}"]}',
        "yields.called[0]: unknown word 'lots'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_where_it_is(tmp_path: Path, mistake: str) -> None:
    path, old, new, message = MISTAKES[mistake]
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, path, old, new)
    _, problems = validate.validate(root)
    assert any(message in str(p) for p in problems), "\n".join(map(str, problems))
    for problem in problems:
        lines = (root / problem.path).read_text(encoding="utf-8").splitlines()
        assert 1 <= problem.line <= len(lines), problem


def test_the_tiny_tree_is_valid_as_it_is(tmp_path: Path) -> None:
    _, problems = validate.validate(tinyspecs.tree(tmp_path))
    assert problems == []


@pytest.mark.parametrize("path", ["personas/baker.yml", "specs/scenarios/old/market-day.yaml", "skills/counting/operation.yaml"])
def test_yaml_that_nothing_reads_is_told(tmp_path: Path, path: str) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("name: x\n")
    _, problems = validate.validate(root)
    assert [(p.path, p.what) for p in problems] == [(path, "no kind of spec lies here")]


def test_data_files_of_a_skill_are_no_specs(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    (root / "skills/counting/files").mkdir()
    (root / "skills/counting/files/example.yaml").write_text("a: [")
    assert validate.validate(root)[1] == []


def run(root: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(tinyspecs.REPOSITORY)}
    command = [sys.executable, "-m", "specs.validate", *paths]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)


def test_five_mistakes_of_one_file_are_told_in_one_run(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, OPERATIONS, "tasks: 1", "taks: 1")
    tinyspecs.replace(root, OPERATIONS, "atomic: filter, sort, rank", "atomic: filter, sort, rank\n    atomic: filter, sort, rank")
    tinyspecs.replace(root, OPERATIONS, "measure: measure}", "measure: mesure}")
    tinyspecs.replace(root, OPERATIONS, "LIMIT $n", "LIMIT $m")
    tinyspecs.replace(root, OPERATIONS, "go to {{ out }}", "go away")
    done = run(root)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{OPERATIONS}:2:1: taks: unknown key 'taks'; did you mean 'tasks'?",
        f"{OPERATIONS}:8:37: operations[0].takes.rows.measure: 'mesure' is not one of "
        "key, ref, when, at, party, group, state, title, text, place, measure, level, span, path, seq, field, value; did you mean 'measure'?",
        f"{OPERATIONS}:11:12: operations[0].truth: unknown parameter '$m'; known: n, name_group, name_measure",
        f"{OPERATIONS}:26:9: operations[0].say[0]: does not name {{{{ out }}}}; say where the result goes",
        f"{OPERATIONS}:31:5: operations[1].atomic: the key 'atomic' occurs twice; remove one of the two",
    ]


def test_a_valid_tree_is_counted(tmp_path: Path) -> None:
    done = run(tinyspecs.tree(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 operations" in done.stdout
    counted = json.loads((tmp_path / "metrics/validate.json").read_text())
    assert counted["domains"] == 1 and counted["relations"] == 7 and counted["demands"] == 4 and counted["workflows"] == 1


def test_only_the_mistakes_of_the_paths_asked_for_are_told(tmp_path: Path) -> None:
    root = tinyspecs.tree(tmp_path)
    tinyspecs.replace(root, DOMAIN, "like: sales", "like: sale")
    tinyspecs.replace(root, SCENARIO, "domain: till", "domain: tills")
    done = run(root, "specs/domains")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{DOMAIN}:") and len(done.stderr.splitlines()) == 1
    assert run(root, "personas").returncode == 0
    assert run(root, "specs/domain").stderr == "specs/domain:1:1: no such file or folder\n"


@pytest.mark.parametrize(
    "content", ["", "[]", "- a\n- b\n", "7", "relations: 5\n", "relations: {sales: {columns: {a: }}}\n", "relations: {sales: \n"]
)
def test_junk_gives_located_lines_and_no_traceback(tmp_path: Path, content: str) -> None:
    root = tinyspecs.tree(tmp_path)
    for path in (DOMAIN, OPERATIONS, SCENARIO, PERSONA, TEMPLATE, "specs/noise.yaml", "specs/taxonomy.yaml", "params.yaml"):
        (root / path).write_text(content, encoding="utf-8")
    _, problems = validate.validate(root)
    assert {p.path for p in problems} >= {DOMAIN, OPERATIONS, SCENARIO, PERSONA, TEMPLATE}


def parts(value: object, steps: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [steps]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += parts(inner, (*steps, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            found += parts(inner, (*steps, number))
    return found


@pytest.mark.parametrize("path", [DOMAIN, OPERATIONS, SCENARIO, PERSONA])
def test_any_part_may_be_anything_without_a_traceback(tmp_path: Path, path: str) -> None:
    """Parts are replaced by values of other types, one at a time: told, never a crash."""
    root = tinyspecs.tree(tmp_path)
    plain = located.load(root / path).value
    junk = (None, 7, "x", [], ["{{"], {}, {"a": {"b": 1}})
    tries = [(steps, value) for steps in parts(plain)[1:] for value in junk]
    for steps, value in random.Random(path).sample(tries, 25):
        changed = json.loads(json.dumps(plain))
        node = changed
        for step in steps[:-1]:
            node = node[step]
        node[steps[-1]] = value
        (root / path).write_text(json.dumps(changed), encoding="utf-8")
        validate.validate(root)


def test_the_repository_validates() -> None:
    _, problems = validate.validate(tinyspecs.REPOSITORY)
    assert problems == [], "\n" + "\n".join(map(str, problems))


SCHEMAS = sorted((tinyspecs.REPOSITORY / "specs/schemas").glob("*.json"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda p: p.stem)
def test_a_schema_is_one_and_refuses_unknown_keys_everywhere(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for steps in parts(schema):
        node = schema
        for step in steps:
            node = node[step]
        conditional = {"allOf", "if", "then", "else"} & {s for s in steps if isinstance(s, str)}
        if isinstance(node, dict) and "properties" in node and "type" in node and not conditional:
            assert node.get("additionalProperties") is False, steps


def test_editors_check_each_kind_of_yaml_against_its_schema() -> None:
    told = json.loads((tinyspecs.REPOSITORY / ".vscode/settings.json").read_text())["yaml.schemas"]
    assert {Path(p).name for p in told} == {p.name for p in SCHEMAS}
    for schema, pattern in told.items():
        assert (tinyspecs.REPOSITORY / schema).is_file()
        assert (tinyspecs.REPOSITORY / pattern).parent.is_dir() or "*" in str(Path(pattern).parent), pattern
        assert list(tinyspecs.REPOSITORY.glob(pattern)) or pattern == "specs/wordings/*.yaml", pattern  # nobody has to reword by hand


def test_the_language_has_the_roles_of_the_taxonomy() -> None:
    roles = located.load(tinyspecs.REPOSITORY / "specs/taxonomy.yaml").value["roles"]
    schemas = tinyspecs.REPOSITORY / "specs/schemas"
    taken = json.loads((schemas / "operations.schema.json").read_text())["$defs"]["role"]["enum"]
    drawn = json.loads((schemas / "domain.schema.json").read_text())["$defs"]["column"]["properties"]["role"]["enum"]
    assert set(taken) == set(roles)
    assert set(drawn) == {name for name, role in roles.items() if role.get("drawn", True)}
