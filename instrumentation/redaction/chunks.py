"""Pieces: texts that came one after the other and say one thing, such as the chunks of a stream.

A key that is streamed stands in no chunk: `sk-p` in one, the rest in four more. What stands at the
same place in chunk after chunk is read as one text; what must go is cut out of each piece.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from instrumentation.redaction.searchable_text import Spot

MARK = "[redacted: "
"""How each mark begins."""
FRAME = "data:"
"""How a server-sent event begins, whose rest is JSON."""
Path = tuple[Any, ...]
Visit = Callable[[Path, str], str]


def joined(values: Sequence[Any], spots: Callable[[str], list[Spot]]) -> list[Any]:
    """The values, each a text or a plain structure, without what they spell together.

    A mark stands in the piece in which the secret begins. Of JSON within a text, that of
    server-sent events included, the texts are read. Values that stay as they were are the same
    objects.
    """
    places: dict[Path, list[tuple[int, str]]] = defaultdict(list)
    for index, value in enumerate(values):

        def found(path: Path, text: str, index: int = index) -> str:
            places[path].append((index, text))
            return text

        _visited(value, (), found)
    changed: dict[int, dict[Path, str]] = defaultdict(dict)
    for path, pieces in places.items():
        texts = [text for _, text in pieces]
        for (index, old), new in zip(pieces, cut(texts, spots("".join(texts))), strict=True):
            if new != old:
                changed[index][path] = new
    return [_changed(value, changed.get(index)) for index, value in enumerate(values)]


def cut(pieces: Sequence[str], spots: Sequence[Spot]) -> list[str]:
    """The pieces of a text without its spots, which are in order and do not overlap."""
    cut_pieces, end = [], 0
    waiting = [spot for spot in reversed(spots) if spot.end > spot.start]
    for piece in pieces:
        start, end = end, end + len(piece)
        kept, at = [], start
        while waiting and waiting[-1].start < end:
            spot = waiting[-1]
            kept.append(piece[at - start : max(spot.start, at) - start])
            if spot.start >= start:
                kept.append(marked(spot.name))
            at = min(spot.end, end)
            if spot.end > end:
                break
            waiting.pop()
        kept.append(piece[at - start :])
        cut_pieces.append("".join(kept))
    return cut_pieces


def _changed(value: Any, texts: dict[Path, str] | None) -> Any:
    if not texts:
        return value
    return _visited(value, (), lambda path, text: texts.get(path, text))


def marked(name: str) -> str:
    """What stands in the place of what went."""
    return f"{MARK}{name}]"


def _visited(value: Any, path: Path, visit: Visit) -> Any:
    """The value, with each text as `visit` has it."""
    match value:
        case str():
            return _visited_text(value, path, visit)
        case dict():
            return {key: _visited(held, (*path, key), visit) for key, held in value.items()}
        case list() | tuple():
            return [_visited(held, (*path, index), visit) for index, held in enumerate(value)]
    return value


def _visited_text(text: str, path: Path, visit: Visit) -> str:
    bare = text.strip().removeprefix(FRAME).strip()
    if bare[:1] in ("{", '"') or bare[:2] in ("[{", '["'):
        try:
            value = json.loads(bare)
        except (ValueError, RecursionError):
            return visit(path, text)
        told = _visited(value, (*path, "as JSON"), visit)
        return text if told == value else text.replace(bare, json.dumps(told))
    return visit(path, text)
