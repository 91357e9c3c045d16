"""Lines of shapes: a span a line, a child under its parent, alike siblings once with their number.

    office  [CHAIN OK]  inputs:object outputs:string
      writer  [AGENT OK]  × 2  outputs:string

What `lines` writes, `parsed` reads; the same shapes are the same lines, however siblings stood.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from instrumentation.trace.outline import INDENT
from instrumentation.trace.span import MAX_SPAN_DEPTH
from integrations.trees.span_shape import SpanShape, sort_siblings

SHAPE_LINE = re.compile(
    r"(?P<indent> *)(?P<name>\S+(?: \S+)*)  \[(?P<type>\S+) (?P<status>\S+)\]"
    r"(?:  × (?P<times>\d{1,4}))?(?:  (?P<attributes>\S+:\S+(?: \S+:\S+)*))?"
)


class ShapeSyntaxError(Exception):
    """Raised when a text is no line of shapes."""


def format_shapes(shapes: Iterable[SpanShape]) -> Iterator[str]:
    """Each shape and all beneath it, siblings in order."""
    return _format_siblings(sort_siblings(shapes), 0)


def _format_siblings(siblings: tuple[SpanShape, ...], depth: int) -> Iterator[str]:
    for shape, alike in groupby(siblings):
        times = len(tuple(alike))
        words = [shape.name, f"[{shape.type} {shape.status}]"]
        if times > 1:
            words.append(f"× {times}")
        if shape.attributes:
            words.append(" ".join(sorted(f"{key}:{type}" for key, type in shape.attributes)))
        yield INDENT * depth + "  ".join(words)
        yield from _format_siblings(shape.children, depth + 1)


def parse_shapes(written: Sequence[str]) -> tuple[SpanShape, ...]:
    """The shapes that the lines stand for. Raises `NoShape`, which says at which line."""
    levels: list[list[SpanShape]] = [[]]
    for number in range(len(written), 0, -1):
        depth, times, shape = _parse_line(written[number - 1], number)
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
        whole = SpanShape(shape.name, shape.type, shape.status, shape.attributes, children)
        levels[depth].extend([whole] * times)
    if any(levels[1:]):
        raise ShapeSyntaxError("the first line is indented: a child stands under its parent")
    return tuple(reversed(levels[0]))


def _parse_line(line: str, number: int) -> tuple[int, int, SpanShape]:
    """A line's depth, how many are alike, and its shape, which has no children yet."""
    found = SHAPE_LINE.fullmatch(line)
    if not found or len(found["indent"]) % len(INDENT):
        raise ShapeSyntaxError(f"line {number} is no `name  [TYPE STATUS]  key:type …`: {line!r}")
    pairs = (pair.rpartition(":") for pair in (found["attributes"] or "").split())
    attributes = frozenset((key, type) for key, _, type in pairs)
    times = int(found["times"] or 1)
    return (
        len(found["indent"]) // len(INDENT),
        times,
        SpanShape(found["name"], found["type"], found["status"], attributes),
    )
