"""Mistakes of shape and of domains in the tiny spec tree: the file, what is replaced by what, and what has to be told."""

from __future__ import annotations

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
}
