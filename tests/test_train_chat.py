"""Conversations as tokens and back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pytest
import train_making as making
from hypothesis import given, settings
from hypothesis import strategies as st
from trl.chat_template_utils import parse_response

from specs.errors import BoundaryError
from train import chat

SAID = [
    'I look first.\n<tool_call>\n{"name": "exec", "arguments": {"command": "ls -la"}}\n</tool_call><|im_end|>',
    '<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>\n<tool_call>\n{"name": "read", "arguments": {"path": "b"}}\n</tool_call><|im_end|>',
    "The total is 10.<|im_end|>",
]


def tokens(messages: list[dict[str, object]], tools: list[dict[str, object]] = making.TOOLS) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is trained on of a conversation that ends with the assistant, and the mask."""
    whole = making.merged(messages, tools)
    return whole.input_ids, whole.mask


def masked(ids: Sequence[int], mask: Sequence[int]) -> list[str]:
    runs = itertools.groupby(zip(ids, mask, strict=True), key=lambda pair: pair[1])
    return [making.tokenizer().decode([i for i, _ in run]) for own, run in runs if own]


@pytest.mark.slow
def test_the_mask_covers_exactly_what_the_assistant_says() -> None:
    ids, mask = tokens(making.conversation())
    assert masked(ids, mask) == SAID


def test_the_tokens_spell_the_rendered_conversation_with_its_tools() -> None:
    tokenizer = making.tokenizer()
    ids, _ = tokens(making.conversation())
    text = tokenizer.decode(ids)
    assert text + "\n" == chat.render(tokenizer, making.conversation(), making.TOOLS, ask=False)
    assert json.dumps(making.TOOLS[0]) in text


def test_the_order_of_a_schemas_keys_does_not_matter() -> None:
    """Records keep JSON with sorted keys; a policy is trained on those and served with live ones."""
    stored = json.loads(json.dumps(making.TOOLS, sort_keys=True))
    assert json.dumps(stored) != json.dumps(making.TOOLS)
    messages = making.conversation()
    assert tokens(messages, stored) == tokens(messages)


@pytest.mark.slow
def test_the_mask_agrees_with_the_templates_own_generation_markers() -> None:
    tokenizer = making.tokenizer()
    out = tokenizer.apply_chat_template(
        chat.plain(making.conversation()), tools=making.TOOLS, return_assistant_tokens_mask=True, return_dict=True
    )
    theirs = [text.strip() for text in masked(out["input_ids"], out["assistant_masks"])]
    assert theirs == SAID


def test_a_turns_prompt_is_a_prefix_of_the_trained_tokens() -> None:
    tokenizer, messages = making.tokenizer(), making.conversation()
    ids, mask = tokens(messages)
    for n in (2, 4, 7):
        prompt = tuple(chat.encode(tokenizer, chat.render(tokenizer, messages[:n], making.TOOLS, ask=True)))
        assert ids[: len(prompt)] == prompt
        assert mask[len(prompt)] == 1 and mask[len(prompt) - 1] == 0


@pytest.mark.parametrize("n", range(3))
def test_what_is_said_parses_to_the_message_it_was_rendered_from(n: int) -> None:
    message = [m for m in chat.plain(making.conversation()) if m["role"] == "assistant"][n]
    assert chat.parse(SAID[n]) == message


@pytest.mark.parametrize("said", SAID)
def test_parsing_agrees_with_the_tokenizers_response_template(said: str) -> None:
    tokenizer = making.tokenizer()
    theirs = parse_response(tokenizer, chat.encode(tokenizer, said), prefix=chat.encode(tokenizer, "<|im_start|>assistant\n"))
    theirs["content"] = theirs["content"].removesuffix("\n")
    assert chat.parse(said) == theirs


@pytest.mark.parametrize(
    "said",
    [
        '<tool_call>\n{"name": "read", "arguments": {"path": "a"}\n</tool_call>',
        '<tool_call>\n{"name": "read", "arguments": {"path": "a"}}',
        '<tool_call>\n{"name": "read", "arguments": "a"}\n</tool_call>',
        '<tool_call>\n{"name": 3, "arguments": {}}\n</tool_call>',
        '<tool_call>\n["read"]\n</tool_call>',
        '<tool_call>\n{"name": "read", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "re',
        '<tool_call>\n{"name": "read", "arguments": {}}\n</tool_call> and so on',
    ],
)
def test_a_malformed_call_stays_as_content(said: str) -> None:
    assert chat.parse(said + chat.END) == {"role": "assistant", "content": said}


# The vocabulary has no token for some control characters, nor for the bytes of planes that nobody writes in.
letters = st.characters(max_codepoint=0x1FFFF, exclude_characters="<>", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\r")
plain_text = st.text(letters, max_size=30)
arguments = st.dictionaries(
    plain_text, st.recursive(st.none() | st.booleans() | st.integers() | plain_text, st.lists, max_leaves=4), max_size=3
)


@given(content=plain_text, calls=st.lists(arguments, max_size=2))
@settings(max_examples=60, deadline=None)
def test_any_answer_survives_rendering_and_parsing(content: str, calls: list[dict[str, object]]) -> None:
    message = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [making.call("exec", json.dumps(a)) for a in calls]
    ids, mask = tokens([*making.conversation()[:2], message])
    (said,) = masked(ids, mask)
    assert [chat.parse(said)] == chat.plain([message])


@pytest.mark.parametrize("ended", [True, False])
def test_what_follows_an_answer_completes_it_and_asks_again(ended: bool) -> None:
    tokenizer, messages = making.tokenizer(), making.conversation()[:4]
    new = tokenizer.decode(chat.following(tokenizer, messages, 2, making.TOOLS, ended))
    closing = "" if ended else "<|im_end|>"
    assert new == closing + "\n<|im_start|>user\n<tool_response>\nledger.csv\n\n</tool_response><|im_end|>\n<|im_start|>assistant\n"


def test_a_template_that_rewrites_the_past_is_refused() -> None:
    class Forgetful:
        def apply_chat_template(self, messages: list[dict[str, str]], **rest: object) -> str:
            return f"{len(messages)}<|im_end|>\n"

    with pytest.raises(BoundaryError, match="changes the text before it"):
        chat.turn(Forgetful(), making.conversation()[:2], making.conversation()[2], [], ended=True)


def test_an_answer_that_was_cut_off_does_not_say_its_end() -> None:
    tokenizer, messages = making.tokenizer(), making.conversation()
    whole = chat.turn(tokenizer, messages[:2], messages[2], making.TOOLS, ended=True)
    cut = chat.turn(tokenizer, messages[:2], messages[2], making.TOOLS, ended=False)
    assert whole == (cut[0], cut[1] + chat.END) and whole[1] == SAID[0]


def test_a_developers_words_are_not_passed_over() -> None:
    said = chat.render(making.tokenizer(), [{"role": "developer", "content": "Be brief."}, *making.conversation()[1:2]], [], ask=True)
    assert said.startswith("<|im_start|>system\nBe brief.<|im_end|>")


def test_arguments_with_a_lone_surrogate_can_be_sent() -> None:
    tokenizer = making.tokenizer()
    ids = chat.encode(tokenizer, '<tool_call>\n{"name": "read", "arguments": {"path": "\\ud800"}}\n</tool_call><|im_end|>')
    sent = json.dumps(chat.message(tokenizer, ids), ensure_ascii=False).encode()
    assert json.loads(json.loads(sent)["tool_calls"][0]["function"]["arguments"]) == {"path": "\ud800"}
