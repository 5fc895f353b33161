"""Messages: each fact once, on a line of its own, as it is; the person named; not too long; nothing taken back."""

from __future__ import annotations

from typing import Any

import checking
import pytest

PARAMS: dict[str, Any] = {
    "path": "note.md",
    "facts": [
        {"label": "Total", "value": "1234.50", "type": "number", "decimals": 2, "unit": "EUR"},
        {"label": "Entries", "value": "3", "type": "integer"},
        {"label": "Largest payee", "value": "Ørsted", "type": "text"},
        {"label": "Last paid", "value": "2026-03-09", "type": "date"},
    ],
    "greeting": "Maud",
    "max_words": 40,
}
GOOD = (
    "Dear Maud,\n\nhere is what you asked for.\n\nTotal: 1234.50\nEntries: 3\nLargest payee: Ørsted\nLast paid: 2026-03-09\n\nThank you.\n"
)
BODY = GOOD.partition("Total")[2]

PASSING = {
    "plain": GOOD,
    "crlf": GOOD.replace("\n", "\r\n"),
    "bom": "\ufeff" + GOOD,
    "bullets": GOOD.replace("Total:", "- Total:").replace("Entries:", "* Entries:").replace("Last", "1. Last"),
    "bold": GOOD.replace("Total:", "**Total:**").replace("Entries:", "**Entries**:").replace(" Ørsted", " **Ørsted**"),
    "case": GOOD.replace("Total", "TOTAL").replace("Largest payee", "largest Payee"),
    "unit and thousands": GOOD.replace("1234.50", "1,234.5 EUR"),
    "long date": GOOD.replace("2026-03-09", "9 March 2026"),
    "full stops": GOOD.replace("Entries: 3", "Entries: 3."),
    "order": GOOD.replace("Total: 1234.50\n", "").replace("Thank", "Total: 1234.50\n\nThank"),
    "other words": GOOD.replace("here is what", "it took a while, but there are no surprises; here is what"),
    "heading": GOOD.replace("Dear Maud,", "# For Maud"),
    "a total of others": GOOD.replace("Thank you.", "I went through a total of 12 files; none of the entries were dropped."),
    "another label that ends alike": GOOD.replace("Thank you.", "Open entries: 7\n- Grand total: 9"),
    "talk of wrong rows": GOOD.replace("Thank you.", "Rows without a payee are not in the total; the wrong amounts were mended."),
    "label in a sentence": GOOD.replace("Thank you.", "The total covers every entry. Thank you."),
}
FAILING = {
    "no fact": GOOD.replace("Total: 1234.50\n", ""),
    "wrong number": GOOD.replace("1234.50", "1234.51"),
    "negated": GOOD.replace(": ", ": not "),
    "negated after": GOOD.replace("1234.50", "1234.50 is not the sum"),
    "negated before": GOOD.replace("Total:", "Not the Total:"),
    "denied above": GOOD.replace("here is what you asked for.", "none of the following is true."),
    "denied below": GOOD.replace("Thank you.", "These figures are wrong."),
    "denied by label": GOOD.replace("Thank you.", "The total is not correct."),
    "two lines of a label": GOOD + "Total: 99.00\n",
    "the same line twice": GOOD + "Total: 1234.50\n",
    "contradicted in a sentence": GOOD.replace("Thank you.", "The total is 99.00. Thank you."),
    "every number": GOOD.replace("Total: 1234.50", "Total: 1 2 3 1234.50 99"),
    "two facts on a line": GOOD.replace("1234.50\nEntries", "1234.50, Entries"),
    "other unit": GOOD.replace("1234.50", "1234.50 USD"),
    "no greeting": GOOD.replace("Dear Maud,", "Hello,"),
    "other name": GOOD.replace("Maud", "Quentin"),
    "part of another name": GOOD.replace("Maud", "Maudlin"),
    "greeting later": "Hello,\n" + GOOD,
    "too long": GOOD + "word " * 40,
    "prose": "Dear Maud, the total was 1234.50 in 3 entries, Ørsted on 2026-03-09.",
    "empty": "",
    "junk": "\x00\x01",
}


@pytest.mark.parametrize("name", PASSING)
def test_right_messages_pass(name: str) -> None:
    assert checking.check("message", PARAMS, {}, {"note.md": PASSING[name]}) == 1


@pytest.mark.parametrize("name", FAILING)
def test_wrong_messages_get_half_at_most(name: str) -> None:
    assert checking.check("message", PARAMS, {}, {"note.md": FAILING[name]}) <= 0.5


def test_a_text_fact_may_hold_a_negation_of_its_own() -> None:
    params = PARAMS | {"facts": [{"label": "Note", "value": "no receipt, not paid", "type": "text"}]}
    assert checking.check("message", params, {}, {"note.md": "Dear Maud,\nNote: no receipt, not paid\n"}) == 1


def test_no_greeting_and_no_limit_where_none_is_asked() -> None:
    params = PARAMS | {"greeting": None, "max_words": None}
    assert checking.check("message", params, {}, {"note.md": GOOD.replace("Maud", "all") + "word " * 100}) == 1


def test_a_part_of_the_facts_earns_a_part_of_half() -> None:
    assert checking.check("message", PARAMS, {}, {"note.md": FAILING["no fact"]}) == pytest.approx(0.5 * 3 / 4)
    assert checking.check("message", PARAMS, {}, {"note.md": "Dear Maud,\nI did it.\n"}) == 0
