"""Load the template `page.html`, with its filters; unprintable characters in texts are replaced."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from instrumentation.trace.wording import truncate

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that no page may have, or that change the direction of a text."""


def format_duration(duration_ns: float) -> str:
    """A duration with three digits at most: 4.4 ms, 1.52 s, 3 min 20 s."""
    seconds = duration_ns / 1e9
    if seconds >= 120:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{duration_ns / 1e6:.3g} ms" if duration_ns >= 1e6 else f"{duration_ns / 1e3:.3g} µs"


def format_cost(cost_usd: float | None) -> str:
    """A cost in US dollars, or a dash if it is unknown."""
    if cost_usd is None:
        return "–"
    return f"${cost_usd:.2f}" if cost_usd >= 1 or not cost_usd else f"${cost_usd:.2g}"


def _printable(value: Any) -> Any:
    """A text of a trace without unprintable characters; the template's own markup as it is."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return UNPRINTABLE.sub("\ufffd", value)


@cache
def load_template() -> Template:
    """The template; everything that it is filled with is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {
        "duration": format_duration,
        "cost": format_cost,
        "shorten": truncate,
    }
    return environment.get_template("page.html")
