import re
from html.parser import HTMLParser

import bench_making as made
import making
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import report, texts
from bench.evaluate import evaluate
from bench.instances import instance
from specs.records import CheckScore, Failure, change_of

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)><style>*{display:none}</style><!-- ]]> "
    "\"' onmouseover=alert(3) {{ 7*7 }} {% include 'x' %} </details></pre> http://evil.example/x.js \x1b[31m \u202egnp.exe \x00"
)


class Seen(HTMLParser):
    """The elements and attributes that a browser would make, and the text outside scripts and styles."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def call(text: str, arguments: str) -> dict:
    return {"id": text, "function": {"name": text, "arguments": arguments}}


def page(text: str, said: str = "") -> str:
    task = making.task(
        {text: "x"}, instruction=text, outputs=[text], split="bench", persona=text, scenario=text, operations=(text,), category=text[:60]
    )
    messages = [
        {"role": "system", "content": text},
        {"role": "user", "content": text},
        {
            "role": "assistant",
            "content": said or text,
            "tool_calls": [call(text, text), call(text, "[" * 5000), call(text, '{"a": "\\ud800' + text.replace('"', "") + '"}')],
        },
        {"role": "tool", "tool_call_id": text, "content": text},
        {"role": text, "content": [{"type": "text", "text": text}]},
    ]
    done = made.rollout(task, messages=messages, changes=(change_of(text, b"x"),))
    broken = made.rollout(task, "rl", status="error", error=Failure("endpoint", text))
    attempts = [
        made.attempt(done, made.verdict(done, 0.5, [CheckScore(text, text, 0.5, text)])),
        made.attempt(broken, made.failed(broken, "endpoint", text)),
    ]
    figures = {a: evaluate([t for t in attempts if t.agent == a], {task.id: (task.category, 2)}, 50, 1) for a in ("teacher", "rl")}
    return report.page("Bench", figures, [instance(task, attempts, figures, None, 4000)], {"Dataset": {"tasks": 3, text: {text: 1}}})


def test_hostile_text_makes_the_same_elements_as_harmless_text():
    harmless = "".join(c if c.isalnum() or c in "\n " else "a" for c in HOSTILE)

    def elements(html):
        return [(tag, sorted(attributes)) for tag, attributes in Seen(html).tags]

    assert elements(page(HOSTILE)) == elements(page(harmless))


def test_the_page_says_which_scores_are_code_only():
    task = making.task({}, split="bench")
    runs = [made.rollout(task, identity=name) for name in ("one", "two", "three")]
    verdicts = [
        made.verdict(runs[0], judging="not judged"),
        made.verdict(runs[1], 0.85, judging="judged", rubric=0.5),
        made.verdict(runs[2]),
    ]
    attempts = [made.attempt(r, v) for r, v in zip(runs, verdicts, strict=True)]
    figures = {"teacher": evaluate(attempts, {task.id: (task.category, 2)}, 50, 1)}
    html = report.page("Bench", figures, [instance(task, attempts, figures, None, 4000)], {})
    assert "The rubric of 1 verdict was not judged: there the score is code only." in html
    for said in ("The rubric was not judged: the score is code only.", "Rubric 0.50, code 0.85.", "There is no rubric."):
        assert html.count(said) == 1


def test_the_page_says_which_boxes_were_weak():
    task = making.task({}, "Do it.")
    run = made.rollout(task, harness={"weak": ["a filter of system calls"]})
    figures = {"x": evaluate([made.attempt(run, made.verdict(run))], {task.id: ("Analysis", 1)}, 10, 1)}
    said = Seen(report.page("Bench", figures, [], {})).text
    assert "1 attempt was made in boxes without a filter of system calls (sandbox.allow_weak)." in said


def test_hostile_text_is_there_to_be_read():
    text = Seen(page(HOSTILE)).text
    assert "<img src=x onerror=alert(2)>" in text
    assert "{{ 7*7 }}" in text


def test_only_our_script_runs_and_the_page_says_so():
    html = page(HOSTILE)
    tags = Seen(html).tags
    assert [tag for tag, _ in tags].count("script") == 1
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    policy = next(a["content"] for tag, a in tags if tag == "meta" and a.get("http-equiv"))
    assert "default-src 'none'" in policy and re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)


def test_the_policy_names_the_digest_of_the_very_script():
    import base64
    import hashlib

    html = page("x")
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL).group(1)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in html


def test_the_page_loads_nothing():
    html = page("plain")
    tags = Seen(html).tags
    assert not {tag for tag, _ in tags} & {"link", "img", "iframe", "object", "embed", "base", "video", "audio", "source"}
    assert not [a for _, attributes in tags for a in attributes if a in ("src", "srcset", "action", "formaction", "background", "poster")]
    assert all(a["href"].startswith("#") for tag, a in tags if tag == "a")
    assert not re.search(r"https?:|url\(|@import", html)


def test_what_can_not_be_seen_is_shown():
    shown = texts.plain("a\x1b[0m\u202eb\x00\ud800\r\nc\td")
    assert shown == "a\\x1b[0m⟨U+202E⟩b\\x00�\nc\td"
    page(HOSTILE, said="\ud800").encode("utf-8")


@given(st.text(max_size=3000), st.integers(1, 2500))
@settings(max_examples=150, deadline=None)
def test_a_clip_loses_nothing_below_the_bound_and_counts_the_rest(text, bound):
    clip = texts.clip(text, bound)
    assert clip.head + clip.rest == text[:bound]
    assert clip.lost == max(0, len(text) - bound)


def test_texts_are_clipped_until_the_page_is_small_enough(monkeypatch):
    task = making.task({}, split="bench")
    run = made.rollout(task, messages=[{"role": "assistant", "content": "y" * 200_000}])
    attempts = (made.attempt(run, made.verdict(run)),)
    figures = {"teacher": evaluate(attempts, {task.id: ("c", 1)}, 50, 1)}
    material = report.Material((task,), attempts, {})
    bare = len(report.page("t", figures, [], {}).encode())
    monkeypatch.setattr(report, "MAX_BYTES", bare + 6000)
    html = report.fitted("t", figures, material, {})
    assert len(html.encode()) <= bare + 6000
    assert "further characters are in the rollout only" in html


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"tasks": 3},
        {"kinds": {"a": {"n": 1, "rate": 0.5}, "b": {"n": 2, "rate": 0.1}}},
        {"a": {"b": {"c": {"d": 1}}}, "l": [1, 2], "t": "x"},
    ],
)
def test_figures_of_any_shape_have_a_place(metrics):
    leaves = re.findall(r'(?<![\w"])[\d.]+', str(metrics))
    single, groups = report.tiles(metrics)
    shown = str(single) + str(groups)
    assert all(leaf in shown for leaf in leaves)
