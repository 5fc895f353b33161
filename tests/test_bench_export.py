"""Rollouts as a set for `datasets`: what goes in comes out of the real library, and what does not go in is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import export_making as made
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from bench import export, exported, played
from specs.errors import UserError

Load = Callable[[], Any]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    made.keep(tmp_path, *made.everything())
    return tmp_path


def exporting(to: str = "out") -> None:
    assert export.main(["--agent", "teacher", "--to", to, "--format", "datasets"]) == 0


def loaded(project: Path) -> dict[str, dict[str, Any]]:
    """The exported rows by the name of their rollout."""
    exporting()
    rows = list(datasets.load_dataset(str(project / "out"), split="bench"))
    names = {made.identity(n): n for n in ("solved", "half", "limit", "failed", "unjudged", "grader", "hard")}
    return {names[row["rollout"]]: row for row in rows}


def test_the_library_reads_every_graded_rollout_and_no_other(project: Path) -> None:
    assert set(loaded(project)) == {"solved", "half", "limit", "hard"}


def test_the_columns_are_those_of_the_card(project: Path) -> None:
    exporting()
    found = datasets.load_dataset(str(project / "out"), split="bench")
    assert found.features == exported.features()
    card = (project / "out/README.md").read_text()
    assert all(f"- `{name}` (" in card for name in found.column_names)


def test_a_row_says_what_the_records_say(project: Path) -> None:
    row = loaded(project)["half"]
    runs, verdicts = made.everything()
    run, verdict = runs[1], verdicts[1]
    assert (row["task"], row["task_digest"], row["category"]) == (run.task, run.task_digest, "Analysis & Reasoning")
    assert (row["score"], row["solved"], row["rubric"], row["judging"]) == (0.5, False, 0.5, "judged")
    assert row["checks"] == [{"id": "rows", "kind": "table", "score": 0.5, "why": "two | rows <b>"}]
    assert (row["verifier_digest"], row["policy_digest"], row["harness"]) == (verdict.verifier_digest, "p", "builtin")
    assert (row["turns"], row["prompt_tokens"], row["seconds"]) == (1, 1, 1.5)


def test_a_conversation_comes_back_as_it_was_but_for_arguments_that_are_objects(project: Path) -> None:
    row = loaded(project)["solved"]
    expected = made.conversation('{"command": "ls"}')
    expected[2]["tool_calls"][0]["function"]["arguments"] = {"command": "ls"}
    assert row["messages"] == expected


def test_arguments_that_readers_differ_about_stay_the_text_they_came_as(project: Path) -> None:
    assert made.text_of_calls(loaded(project)["hard"]["messages"]) == list(made.HARD)


def test_a_megabyte_of_hostile_result_comes_back_to_the_letter(project: Path) -> None:
    row = loaded(project)["hard"]
    assert [m["content"] for m in row["messages"] if m["role"] == "tool"] == [made.HOSTILE * 1000] * len(made.HARD)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4), st.booleans())
def test_arguments_come_back_as_the_object_they_say_or_as_their_text(value: dict[str, Any], ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    back = datasets.Json().decode_example(exported.message(made.calling(text)))
    (found,) = made.text_of_calls([back])
    assert found == text or (found == value and json.loads(json.dumps(found, allow_nan=False)) == value)


def test_chat_templates_write_the_arguments_as_an_object(project: Path) -> None:
    """TRL's template for Qwen 2.5 would quote a text once more."""
    import trl

    row = loaded(project)["solved"]
    template = (Path(trl.__file__).parent / "chat_templates/qwen2_5.jinja").read_text(encoding="utf-8")
    (text,), _ = render_jinja_template([row["messages"]], tools=json.loads(row["tools"]) or None, chat_template=template)
    assert '{"name": "exec", "arguments": {"command": "ls"}}' in text


@pytest.mark.slow
def test_a_trainer_takes_the_set_as_it_is(project: Path) -> None:
    import torch
    import train_making
    from trl import SFTConfig, SFTTrainer

    exporting()
    rows = datasets.load_dataset(str(project / "out"), split="bench").filter(lambda r: r["solved"])
    args = SFTConfig(output_dir=str(project / "scraps"), max_steps=1, use_cpu=True, report_to=[], assistant_only_loss=True)
    trainer = SFTTrainer(model=train_making.tiny(), args=args, train_dataset=rows, processing_class=train_making.tokenizer())
    batch = next(iter(trainer.get_train_dataloader()))
    said = train_making.tokenizer().decode(batch["labels"][batch["labels"] != -100])
    assert "I do it." in said and "Done." in said and "You work on files." not in said
    assert torch.isfinite(torch.tensor(trainer.train().training_loss))


def test_a_task_that_is_gone_leaves_its_columns_empty(project: Path) -> None:
    runs, verdicts = made.everything()
    other = made.rollout("solved", task_digest="another")
    made.keep(project, [other, *runs[1:]], verdicts)
    row = loaded(project)["solved"]
    assert (row["category"], row["instruction"], row["operations"], row["score"]) == (None, None, None, 1.0)


def test_what_is_left_out_is_counted_by_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exporting()
    assert "4 rollouts, 1 solved; left out: 1 error: endpoint, 2 error: grader" in capsys.readouterr().out
    card = (project / "out/README.md").read_text()
    assert "| `error: endpoint` | 1 |" in card and "| `error: grader` | 2 |" in card
    assert "| `completed` | 3 |" in card and "| `limit: steps` | 1 |" in card


def test_the_card_is_one_that_the_hub_reads(project: Path) -> None:
    exporting()
    card = DatasetCard.load(project / "out/README.md")
    assert card.data.license == "apache-2.0"
    assert card.data.configs == [{"config_name": "default", "data_files": [{"split": "bench", "path": "data/bench-*.parquet"}]}]
    assert "can't be measured by it any more" in card.text


def test_nothing_that_a_record_says_is_markup_in_the_card(project: Path) -> None:
    exporting()
    lines = (project / "out/README.md").read_text().splitlines()
    (row,) = [line for line in lines if "x" in line and "builtin" in line and "<b>" in line]
    assert row.count("|") == 5 and "``¦ <b>`x` # y``" in row


def test_the_same_rollouts_give_the_same_bytes(project: Path) -> None:
    exporting("a")
    exporting("b")
    files = [sorted(p.relative_to(project / x) for p in (project / x).rglob("*") if p.is_file()) for x in "ab"]
    assert files[0] == files[1]
    assert all((project / "a" / f).read_bytes() == (project / "b" / f).read_bytes() for f in files[0])


def test_many_rollouts_make_several_files_of_which_none_is_lost(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "ROWS", 2)
    monkeypatch.setattr(exported, "FILE_GROUPS", 2)
    runs = [made.rollout(str(n)) for n in range(11)]
    made.keep(project, runs, [made.made.verdict(r) for r in runs])
    exporting()
    files = sorted((project / "out/data").glob("*.parquet"))
    assert [(f.name, pq.read_metadata(f).num_rows) for f in files] == [
        ("bench-00000.parquet", 4),
        ("bench-00001.parquet", 4),
        ("bench-00002.parquet", 3),
    ]
    assert {r["rollout"] for r in datasets.load_dataset(str(project / "out"), split="bench")} == {r.id for r in runs}


def test_rollouts_of_which_none_is_graded_make_no_set(project: Path) -> None:
    made.keep(project, made.everything()[0][3:4], [])
    with pytest.raises(UserError, match="no rollout is graded; there are 1 error: endpoint"):
        exporting()


def test_a_folder_with_something_in_it_is_left_alone(project: Path) -> None:
    (project / "out").mkdir()
    (project / "out/mine.txt").write_text("mine")
    with pytest.raises(UserError, match="this is there already"):
        exporting()
    assert [p.name for p in (project / "out").iterdir()] == ["mine.txt"]


@given(
    st.recursive(
        st.none() | st.text(max_size=3),
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(["function", "arguments", "id"]), v, max_size=3),
    )
)
def test_calls_of_any_shape_have_arguments(call: Any) -> None:
    assert isinstance(played.arguments(call), str | dict)
