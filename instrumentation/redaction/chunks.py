"""Pieces: texts that came one after the other and say one thing, such as the chunks of a stream.

A key that is streamed stands in no chunk: `sk-p` in one, the rest in four more. What stands at the
same place in chunk after chunk is read as one text; what must go is cut out of each piece.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from instrumentation.redaction.searchable_text import Match

PLACEHOLDER_PREFIX = "[redacted: "
"""How each mark begins."""
SSE_PREFIX = "data:"
"""How a server-sent event begins, whose rest is JSON."""
Path = tuple[Any, ...]
Visit = Callable[[Path, str], str]


def redact_chunks(values: Sequence[Any], find_matches: Callable[[str], list[Match]]) -> list[Any]:
    """The values, each a text or a plain structure, without what they spell together.

    A mark stands in the piece in which the secret begins. Of JSON within a text, that of
    server-sent events included, the texts are read. Values that stay as they were are the same
    objects.
    """
    places: dict[Path, list[tuple[int, str]]] = defaultdict(list)
    for index, value in enumerate(values):

        def collect(path: Path, text: str, index: int = index) -> str:
            places[path].append((index, text))
            return text

        _map_texts(value, (), collect)
    changed: dict[int, dict[Path, str]] = defaultdict(dict)
    for path, pieces in places.items():
        texts = [text for _, text in pieces]
        for (index, old), new in zip(
            pieces, remove_matches(texts, find_matches("".join(texts))), strict=True
        ):
            if new != old:
                changed[index][path] = new
    return [_with_texts(value, changed.get(index)) for index, value in enumerate(values)]


def remove_matches(chunks: Sequence[str], matches: Sequence[Match]) -> list[str]:
    """The pieces of a text without its spots, which are in order and do not overlap."""
    cut_pieces, end = [], 0
    waiting = [spot for spot in reversed(matches) if spot.end > spot.start]
    for piece in chunks:
        start, end = end, end + len(piece)
        kept, at = [], start
        while waiting and waiting[-1].start < end:
            spot = waiting[-1]
            kept.append(piece[at - start : max(spot.start, at) - start])
            if spot.start >= start:
                kept.append(placeholder(spot.name))
            at = min(spot.end, end)
            if spot.end > end:
                break
            waiting.pop()
        kept.append(piece[at - start :])
        cut_pieces.append("".join(kept))
    return cut_pieces


def _with_texts(value: Any, texts: dict[Path, str] | None) -> Any:
    if not texts:
        return value
    return _map_texts(value, (), lambda path, text: texts.get(path, text))


def placeholder(name: str) -> str:
    """What stands in the place of what went."""
    return f"{PLACEHOLDER_PREFIX}{name}]"


def _map_texts(value: Any, path: Path, visit: Visit) -> Any:
    """The value, with each text as `visit` has it."""
    match value:
        case str():
            return _map_json_text(value, path, visit)
        case dict():
            return {key: _map_texts(held, (*path, key), visit) for key, held in value.items()}
        case list() | tuple():
            return [_map_texts(held, (*path, index), visit) for index, held in enumerate(value)]
    return value


def _map_json_text(text: str, path: Path, visit: Visit) -> str:
    bare = text.strip().removeprefix(SSE_PREFIX).strip()
    if bare[:1] in ("{", '"') or bare[:2] in ("[{", '["'):
        try:
            value = json.loads(bare)
        except (ValueError, RecursionError):
            return visit(path, text)
        told = _map_texts(value, (*path, "as JSON"), visit)
        return text if told == value else text.replace(bare, json.dumps(told))
    return visit(path, text)
