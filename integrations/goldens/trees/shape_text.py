"""Write and read span trees without values as text: one span per line, children indented.

    office  [CHAIN OK]  inputs:object outputs:string
      writer  [AGENT OK]  × 2  outputs:string

Equal siblings are one line with their number. `parse_shapes` reads what `format_shapes` writes, and
equal trees have equal lines, in whatever order their siblings are.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from instrumentation.trace.outline import INDENT
from instrumentation.trace.span import MAX_SPAN_DEPTH
from integrations.goldens.trees.span_shape import SpanShape, sort_siblings

SHAPE_LINE = re.compile(
    r"(?P<indent> *)(?P<name>\S+(?: \S+)*)  \[(?P<type>\S+) (?P<status>\S+)\]"
    r"(?:  × (?P<times>\d{1,4}))?(?:  (?P<attributes>\S+:\S+(?: \S+:\S+)*))?"
)


class ShapeSyntaxError(Exception):
    """A line is not in the format of span shapes."""


def format_shapes(shapes: Iterable[SpanShape]) -> Iterator[str]:
    """Yield the lines of each shape and all below it, siblings sorted."""
    return _format_siblings(sort_siblings(shapes), 0)


def _format_siblings(siblings: tuple[SpanShape, ...], depth: int) -> Iterator[str]:
    for shape, equal in groupby(siblings):
        times = len(tuple(equal))
        words = [shape.name, f"[{shape.type} {shape.status}]"]
        if times > 1:
            words.append(f"× {times}")
        if shape.attributes:
            words.append(" ".join(sorted(f"{key}:{type}" for key, type in shape.attributes)))
        yield INDENT * depth + "  ".join(words)
        yield from _format_siblings(shape.children, depth + 1)


def parse_shapes(lines: Sequence[str]) -> tuple[SpanShape, ...]:
    """Parse lines. Raises `ShapeSyntaxError`, which names the line."""
    levels: list[list[SpanShape]] = [[]]
    for number in range(len(lines), 0, -1):
        depth, times, shape = _parse_line(lines[number - 1], number)
        if depth > MAX_SPAN_DEPTH:
            raise ShapeSyntaxError(
                f"line {number} is nested more than {MAX_SPAN_DEPTH} levels deep"
            )
        levels.extend([] for _ in range(depth + 2 - len(levels)))
        if any(levels[depth + 2 :]):
            raise ShapeSyntaxError(
                f"the line after line {number} is indented by more than one level"
            )
        children, levels[depth + 1] = tuple(reversed(levels[depth + 1])), []
        levels[depth].extend([replace(shape, children=children)] * times)
    if any(levels[1:]):
        raise ShapeSyntaxError("the first line is indented; expected a root span")
    return tuple(reversed(levels[0]))


def _parse_line(line: str, number: int) -> tuple[int, int, SpanShape]:
    """Return a line's depth, its number of equal spans, and its shape without children."""
    match = SHAPE_LINE.fullmatch(line)
    if not match or len(match["indent"]) % len(INDENT):
        raise ShapeSyntaxError(
            f"line {number}: expected `name  [TYPE STATUS]  key:type …`, found {line!r}"
        )
    pairs = (pair.rpartition(":") for pair in (match["attributes"] or "").split())
    attributes = frozenset((key, type) for key, _, type in pairs)
    return (
        len(match["indent"]) // len(INDENT),
        int(match["times"] or 1),
        SpanShape(match["name"], match["type"], match["status"], attributes),
    )
