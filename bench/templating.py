"""Pages that are one file each: they load nothing, run no script but ours, and what agents wrote is inert text in them."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from bench import texts

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, styles: Sequence[str], script: str = "", **values: Any) -> str:
    """The template's HTML, with our own style sheets and script (if it has one) in it, and that script's digest for the page's policy.

    Strings among `values` are escaped and their invisible characters shown.
    """
    ours = _own(script) if script else ""
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            style=Markup("\n".join(map(_own, styles))),  # noqa: S704 (our own files)
            script=Markup(ours),  # noqa: S704 (our own file)
            script_digest=base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode(),
        )
    )


@functools.cache
def _own(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    env.filters["figure"] = texts.figure
    return env


def _shown(value: Any) -> Any:
    return texts.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
