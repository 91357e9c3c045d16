"""List the spans of a trace as rows of a nested outline that folds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.trace import Span, Trace
from instrumentation.trace.outline import span_details

MAX_ROWS = 10_000
"""Of more spans, these and the cited ones are listed."""
MAX_ROWS_WITH_CONTENTS = 250
"""In a larger trace, only cited spans show their inputs and outputs."""
STRUCTURAL_TYPES = ("CHAIN", "TASK", "WORKFLOW")
"""Their inputs and outputs repeat those of the spans inside; only cited ones show them."""
MAX_CONTENT_CHARS = 1_600
SIBLINGS_PER_FOLD = 100
"""More children of one span are folded in groups of this size."""


@dataclass(frozen=True)
class Row:
    """A span in the outline; without a span, a fold of siblings.

    Attributes:
        number: The position of the span in the trace, from 1; it is the anchor of the row.
        contents: Texts of its inputs and outputs, by these names.
        is_open: Whether its children are visible at first.
    """

    span: Span | None
    number: int
    title: str
    details: tuple[str, ...]
    contents: Mapping[str, str]
    has_children: bool
    is_open: bool
    is_cited: bool
    depth: int


class SpanOutline:
    """Numbers the spans of a trace, and lists them as rows."""

    def __init__(self, trace: Trace, cited: Sequence[Span]) -> None:
        self._roots = trace.roots
        self._number = {id(span): number for number, span in enumerate(trace, 1)}
        self._cited = {id(span) for span in cited}
        self._is_large = len(self._number) > MAX_ROWS_WITH_CONTENTS
        self._leads_to_cited: set[int] = set()
        for root in trace.roots:
            self._mark(root)

    @property
    def omitted(self) -> int:
        """How many spans are left out."""
        return sum(not self._is_listed(number, id) for id, number in self._number.items())

    def anchor(self, span: Span) -> str:
        """The id of the span's row in the page."""
        return f"span-{self._number[id(span)]}"

    def rows(self) -> Iterator[tuple[str, Row | None]]:
        """Yield ("open" | "leaf", row) and ("close", None) in the order of the page."""
        yield from self._siblings(self._roots, 0)

    def _siblings(self, spans: Sequence[Span], depth: int) -> Iterator[tuple[str, Row | None]]:
        listed = [span for span in spans if self._is_listed(self._number[id(span)], id(span))]
        if len(listed) <= SIBLINGS_PER_FOLD:
            for span in listed:
                yield from self._subtree(span, depth)
            return
        for start in range(0, len(listed), SIBLINGS_PER_FOLD):
            group = listed[start : start + SIBLINGS_PER_FOLD]
            is_open = any(id(span) in self._leads_to_cited for span in group)
            title = f"spans {start + 1} to {start + len(group)} of {len(listed)} in a row"
            yield "open", Row(None, 0, title, (), {}, True, is_open, False, depth)
            for span in group:
                yield from self._subtree(span, depth + 1)
            yield "close", None

    def _subtree(self, span: Span, depth: int) -> Iterator[tuple[str, Row | None]]:
        is_cited = id(span) in self._cited
        has_contents = is_cited or (not self._is_large and span.type not in STRUCTURAL_TYPES)
        row = Row(
            span=span,
            number=self._number[id(span)],
            title=span.name,
            details=tuple(span_details(span)),
            contents=_contents(span) if has_contents else {},
            has_children=bool(span.children),
            is_open=not self._is_large or depth == 0 or id(span) in self._leads_to_cited,
            is_cited=is_cited,
            depth=depth,
        )
        yield "open" if span.children else "leaf", row
        if span.children:
            yield from self._siblings(span.children, depth + 1)
            yield "close", None

    def _is_listed(self, number: int, id: int) -> bool:
        return number <= MAX_ROWS or id in self._leads_to_cited

    def _mark(self, span: Span) -> bool:
        """Mark the spans that are cited or contain a cited one."""
        leads = id(span) in self._cited
        for child in span.children:
            leads = self._mark(child) or leads
        if leads:
            self._leads_to_cited.add(id(span))
        return leads


def _contents(span: Span) -> dict[str, str]:
    """The inputs and outputs of a span as texts."""
    texts = {"inputs": _to_text(span.inputs), "outputs": _to_text(span.outputs)}
    return {name: text for name, text in texts.items() if text}


def _to_text(value: Any) -> str:
    if value is None or value == {}:
        return ""
    is_text = isinstance(value, str)
    text = value if is_text else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    if len(text) <= MAX_CONTENT_CHARS:
        return str(text)
    return f"{text[:MAX_CONTENT_CHARS]}… ({len(text) - MAX_CONTENT_CHARS:,} more characters)"
