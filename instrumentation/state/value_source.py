"""Find the tool result with a value: its figures, in the same unit and period, or its words."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from instrumentation.figures.figure_check import extract_figures
from instrumentation.figures.stated_figures import find_stated
from patches.mlflow.spans.unwritable_values import to_writable
from patches.support.error_boundaries import call_with_fallback


@dataclass(frozen=True)
class ToolResult:
    """The result of a tool call, and the span of the call if it was recorded."""

    tool: str
    value: Any
    span_id: str | None = None


def find_result_containing(value: Any, results: Sequence[ToolResult]) -> ToolResult | None:
    """Return the newest result that contains a value, or None.

    A value with figures is contained if the result states all its figures, as rounded, in the same
    unit and period. Any other value is contained if its words are. A list is contained if each of
    its items is, possibly in different results; then the result of the last item is returned.
    """
    if isinstance(value, list) and value:
        groundings = [find_result_containing(item, results) for item in value]
        return groundings[-1] if all(groundings) else None
    text = to_text(value)
    figures = extract_figures(text)
    for result in reversed(results):
        source = to_text(result.value)
        source_figures = extract_figures(source)
        if figures and all(find_stated(figure, source_figures) for figure in figures):
            return result
        if not figures and _contains_words(text, source):
            return result
    return None


def to_text(value: Any) -> str:
    """A value as text: itself, or JSON of what can be written of it."""
    if isinstance(value, str):
        return value
    dump = partial(json.dumps, default=str, ensure_ascii=False)
    return call_with_fallback(lambda: dump(value), lambda _: dump(to_writable(value)))


def _contains_words(text: str, source: str) -> bool:
    """Return whether a text occurs in the source as whole words; an empty text never does."""
    words = text.strip().strip("\"'")
    pattern = rf"(?<!\w){re.escape(words)}(?!\w)"
    return bool(words) and re.search(pattern, source, re.I) is not None
