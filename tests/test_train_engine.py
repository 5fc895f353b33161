"""The generation engine, with a tiny model of random weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import train_making as making

from train import chat
from train.engine import Engine, Generated, TooLong

GREEDY = {"temperature": 0, "max_tokens": 12}


def prompts(count: int) -> list[list[int]]:
    """Of unequal lengths, with a shared head."""
    tokenizer = making.tokenizer()
    return [chat.encode(tokenizer, "Some head that all of them have. " + "word " * (3 * n) + f"and {n}") for n in range(count)]


def together(engine: Engine, asked: list[list[int]], sampling: dict[str, object]) -> list[Generated]:
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda p: engine.generate(p, sampling), asked))


def stop() -> int:
    return int(making.tokenizer().eos_token_id)


@pytest.mark.slow
def test_requests_side_by_side_get_what_each_gets_alone() -> None:
    model = making.tiny()
    alone = []
    for prompt in prompts(10):
        with Engine(model, stop()) as engine:
            alone.append(engine.generate(prompt, GREEDY))
    with Engine(model, stop(), rows=4) as engine:
        side_by_side = together(engine, prompts(10), GREEDY)
    assert [g.ids for g in side_by_side] == [g.ids for g in alone]


def test_greedy_generation_is_that_of_transformers() -> None:
    model = making.tiny()
    prompt = prompts(3)[2]
    theirs = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False, max_new_tokens=12)
    with Engine(model, stop()) as engine:
        assert list(engine.generate(prompt, GREEDY).ids) == theirs[0, len(prompt) :].tolist()


def test_a_prompt_that_extends_an_earlier_one_gets_what_it_gets_afresh() -> None:
    model = making.tiny()
    prompt = prompts(2)[1]
    with Engine(model, stop()) as engine:
        first = engine.generate(prompt, GREEDY)
        longer = [*prompt, *first.ids, *chat.encode(making.tokenizer(), " and then more")]
        warm = engine.generate(longer, GREEDY)
        engine.forget()
        assert engine.generate(longer, GREEDY).ids == warm.ids


def test_forgetting_makes_new_weights_count() -> None:
    model = making.tiny()
    prompt = prompts(1)[0]
    with Engine(model, stop()) as engine:
        engine.generate(prompt, GREEDY)
        model.load_state_dict(making.tiny(seed=5).state_dict())
        engine.forget()
        renewed = engine.generate(prompt, GREEDY)
    with Engine(making.tiny(seed=5), stop()) as engine:
        assert renewed == engine.generate(prompt, GREEDY)


def test_a_seed_decides_the_draw_whoever_runs_beside() -> None:
    sampling = {"temperature": 1.0, "max_tokens": 8, "seed": 3}
    model = making.tiny()
    with Engine(model, stop()) as engine:
        alone = engine.generate(prompts(4)[0], sampling).ids
        assert together(engine, prompts(4), sampling)[0].ids == alone
        assert engine.generate(prompts(4)[0], {**sampling, "seed": 4}).ids != alone


def test_without_a_seed_two_draws_differ() -> None:
    with Engine(making.tiny(), stop()) as engine:
        one, other = together(engine, [prompts(1)[0]] * 2, {"temperature": 1.0, "max_tokens": 8})
    assert one.ids != other.ids


def test_logprobs_are_those_of_the_model_at_that_temperature() -> None:
    model = making.tiny()
    prompt = prompts(1)[0]
    with Engine(model, stop()) as engine:
        got = engine.generate(prompt, {"temperature": 0.7, "max_tokens": 6, "seed": 1})
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *got.ids]])).logits[0, len(prompt) - 1 : -1]
    expected = torch.log_softmax(logits / 0.7, -1).gather(1, torch.tensor(got.ids)[:, None])[:, 0]
    assert torch.allclose(torch.tensor(got.logprobs), expected, atol=1e-4)


def test_a_small_nucleus_leaves_only_the_likeliest_token() -> None:
    with Engine(making.tiny(), stop()) as engine:
        prompt = prompts(1)[0]
        sampled = engine.generate(prompt, {"temperature": 1.0, "top_p": 1e-6, "max_tokens": 12, "seed": 9})
        assert sampled.ids == engine.generate(prompt, GREEDY).ids


def test_generation_ends_with_the_stop_token() -> None:
    prompt = prompts(1)[0]
    with Engine(making.tiny(), stop()) as engine:
        usual = engine.generate(prompt, GREEDY)
    assert not usual.ended and len(usual.ids) == 12
    with Engine(making.tiny(), stop=usual.ids[3]) as engine:
        cut = engine.generate(prompt, GREEDY)
    assert cut.ended and cut.ids == usual.ids[: usual.ids.index(usual.ids[3]) + 1]


def test_a_prompt_beyond_the_window_is_refused_and_one_near_it_is_cut() -> None:
    model = making.tiny()
    model.config.max_position_embeddings = 40
    with Engine(model, stop()) as engine:
        with pytest.raises(TooLong, match="maximum context length is 40"):
            engine.generate([5] * 40, GREEDY)
        assert len(engine.generate([5] * 36, GREEDY).ids) == 4


def test_a_failure_of_the_model_reaches_the_caller_and_the_engine_lives_on() -> None:
    with Engine(making.tiny(), stop()) as engine:
        with pytest.raises(IndexError):
            engine.generate([10**6], GREEDY)
        assert engine.generate([5], GREEDY).ids
