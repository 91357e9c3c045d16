"""A ground: the tool result that holds a value, which is thereby more than a guess."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.figures.figure_check import extract_figures
from instrumentation.figures.source_match import find_stated


@dataclass(frozen=True)
class ToolResult:
    """What a tool returned, and the span of the call, where it was recorded."""

    tool: str
    value: Any
    span_id: str | None = None


def find_grounding(value: Any, results: Sequence[ToolResult]) -> ToolResult | None:
    """The newest result that holds the value: its figures as rounded, in their unit and period, or,
    of a value without figures, its words.

    A list is held if each of its items is, be it by results of their own: that of the last is told.
    """
    if isinstance(value, list) and value:
        grounds = [find_grounding(item, results) for item in value]
        return grounds[-1] if all(grounds) else None
    text = to_text(value)
    wanted = extract_figures(text)
    for result in reversed(results):
        held = to_text(result.value)
        known = extract_figures(held)
        if wanted and all(find_stated(figure, known) for figure in wanted):
            return result
        if not wanted and _contains_words(text, held):
            return result
    return None


def to_text(value: Any) -> str:
    """A value as text: itself, or JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _contains_words(text: str, source: str) -> bool:
    """Whether the text stands in the other as whole words; nothing at all stands nowhere."""
    words = text.strip().strip("\"'")
    found = rf"(?<!\w){re.escape(words)}(?!\w)"
    return bool(words) and re.search(found, source, re.I) is not None
