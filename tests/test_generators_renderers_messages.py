"""A mail of plain words is written without the library, and is the mail that the library writes."""

from __future__ import annotations

import email
import email.policy
import re
import string
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.renderers import messages

plain = st.text(string.ascii_letters + string.digits + " -.,:;<>@()[]\"'=?_#%&*/\\!\n", min_size=1, max_size=80)
hard = st.one_of(plain, st.text(max_size=30))
mails = st.fixed_dictionaries(
    {
        "key": st.from_regex(r"[a-z]{1,4}[0-9]{5}", fullmatch=True),
        "party": st.from_regex(r"[A-Z][a-z]{1,9} [A-Z][a-z]{1,9}", fullmatch=True) | plain,
        "title": hard,
        "at": st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda d: d.replace(microsecond=0)),
        "text": st.none() | hard,
        "state": st.none() | hard,
        "group": st.none() | hard,
    }
)


@given(mails)
def test_an_easy_mail_is_the_librarys_to_the_byte(values: dict) -> None:
    if messages.easy(values):
        written = messages.mail_bytes(values)
        assert written == messages.mail(values).as_bytes()
        read = email.message_from_bytes(written, policy=email.policy.default)
        assert (str(read["Subject"]), read["From"].addresses[0].display_name) == (values["title"], values["party"])
        assert (read["X-Status"], read["X-Folder"], read.get_content()) == (values["state"], values["group"], f"{values['text'] or ''}\n")


@pytest.mark.parametrize("role", sorted(messages.EASY))
@pytest.mark.parametrize("text", ["a  b", " a", "a ", "a\nb", "", "é", "a" * 90, "=?utf-8?q?a?=", "\u202e", "a\r"])
def test_what_has_to_be_encoded_or_folded_is_the_librarys_work(role: str, text: str) -> None:
    easy = {
        "key": "k00001",
        "party": "Ada Moss",
        "title": "Keys",
        "at": datetime(2026, 3, 9, 14, 5),
        "text": "They are back.",
        "state": "new",
    }
    assert messages.easy(easy)
    assert not messages.easy({**easy, role: text})


@given(st.from_regex(re.compile(r"[ -~]{1,76}"), fullmatch=True))
def test_a_line_that_an_mbox_would_take_for_a_new_mail_is_not_easy(line: str) -> None:
    assert not messages.easy({"text": f"From {line}"})
