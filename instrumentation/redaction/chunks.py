"""Redact texts that form one text together, such as the chunks of a stream.

No single chunk contains a streamed key: `sk-p` is in one, the rest in four more. So the texts at
the same place of all chunks are joined and searched, and each match is removed from each chunk.

Several texts may take turns in one stream: the arguments of parallel tool calls, choices, items,
agents. Their chunks say to which text they belong: by an index, by an id, by the name of a source.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from instrumentation.redaction.searchable_text import Match

PLACEHOLDER_PREFIX = "[redacted: "
PART_KEYS = frozenset({"index", "item_id", "call_id", "full_message_id", "source", "agent"})
"""Keys whose value says to which text a chunk belongs, besides `…_index`."""
SSE_DATA = re.compile(r"^(?:(?:event|id|retry):[^\n]*\n)*data: ?([^\n]*)\s*\Z")
"""A server-sent event with one line of data."""
AS_JSON = "as JSON"
"""Leads from a text to the value that it contains as JSON."""
CONTAINERS = (str, dict, list, tuple)
"""Types that are, or contain, texts."""
NOT_JSON = object()
Path = tuple[Any, ...]


class Place(NamedTuple):
    """The place of a text in a chunk.

    Attributes:
        path: The keys and positions that lead to it.
        part: The keys and the values of `PART_KEYS` that lead to it: the same in all chunks of one
            text, even if its position in a list is not.
    """

    path: Path = ()
    part: Path = ()

    def child(self, key: Any) -> "Place":
        return Place((*self.path, key), (*self.part, key))

    def of_part(self, value: dict[Any, Any]) -> "Place":
        """The same place, in the part that a mapping belongs to."""
        part = tuple(
            (key, inner)
            for key, inner in value.items()
            if isinstance(key, str)
            and (key in PART_KEYS or key.endswith("_index"))
            and isinstance(inner, int | str)
        )
        if not part:
            return self
        is_item = self.part and isinstance(self.part[-1], int)
        return Place(self.path, (*(self.part[:-1] if is_item else self.part), *part))


def redact_chunks(values: Sequence[Any], find_matches: Callable[[str], list[Match]]) -> list[Any]:
    """Redact values that form one text together, or several that take turns.

    A placeholder is put into the chunk in which the secret begins. JSON inside texts is parsed,
    including that of server-sent events. Values that do not change are the same objects.

    `find_matches` finds the secrets in a text, in order and without overlaps.
    """
    texts = ChunkTexts()
    for value in values:
        texts.add_chunk(value)
    redacted = list(texts.texts)
    for group in _group_texts(texts.places):
        chunks = [redacted[number] for number in group]
        if matches := find_matches("".join(chunks)):
            for number, new in zip(group, remove_matches(chunks, matches), strict=True):
                redacted[number] = new
    changes: dict[int, dict[Path, str]] = defaultdict(dict)
    for number, (old, new) in enumerate(zip(texts.texts, redacted, strict=True)):
        if new != old:
            changes[texts.chunks[number]][texts.places[number].path] = new
    return [
        _with_texts(value, (), changes[index]) if index in changes else value
        for index, value in enumerate(values)
    ]


class ChunkTexts:
    """The texts in chunks, the place of each, and the number of the chunk that it is in."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.places: list[Place] = []
        self.chunks: list[int] = []
        self._known_places: dict[Place, Place] = {}
        self._chunk_count = 0

    def add_chunk(self, value: Any) -> None:
        """Add all texts of the next chunk."""
        self._add(value, Place())
        self._chunk_count += 1

    def _add(self, value: Any, place: Place) -> None:
        match value:
            case str():
                start, end, inner = _read_text(value)
                if inner is not NOT_JSON:
                    self._add(inner, place.child(AS_JSON))
                    return
                self.texts.append(value[start:end])
                # A stream has thousands of chunks with the same few places.
                self.places.append(self._known_places.setdefault(place, place))
                self.chunks.append(self._chunk_count)
            case dict():
                place = place.of_part(value)
                for key, inner in value.items():
                    if isinstance(inner, CONTAINERS):
                        self._add(inner, place.child(key))
            case list() | tuple():
                for index, inner in enumerate(value):
                    if isinstance(inner, CONTAINERS):
                        self._add(inner, place.child(index))


def _group_texts(places: Sequence[Place]) -> list[list[int]]:
    """The numbers of the texts that form one text: of the same part, and at the same path.

    Both, since a chunk need not say to which part it belongs.
    """
    by_part: dict[Path, list[int]] = defaultdict(list)
    by_path: dict[Path, list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        by_part[place.part].append(number)
        by_path[place.path].append(number)
    groups = list(by_part.values())
    return groups + [group for group in by_path.values() if group not in groups]


def remove_matches(chunks: Sequence[str], matches: Sequence[Match]) -> list[str]:
    """Replace matches, in order and without overlaps, in a text that is given in chunks."""
    result, end = [], 0
    remaining = [match for match in reversed(matches) if match.end > match.start]
    for chunk in chunks:
        start, end = end, end + len(chunk)
        kept, position = [], start
        while remaining and remaining[-1].start < end:
            match = remaining[-1]
            kept.append(chunk[position - start : max(match.start, position) - start])
            if match.start >= start:
                kept.append(placeholder(match.name))
            position = min(match.end, end)
            if match.end > end:
                break
            remaining.pop()
        kept.append(chunk[position - start :])
        result.append("".join(kept))
    return result


def placeholder(name: str) -> str:
    """The text that replaces a secret."""
    return f"{PLACEHOLDER_PREFIX}{name}]"


def _with_texts(value: Any, path: Path, texts: Mapping[Path, str]) -> Any:
    """Replace the texts at these paths. A value that does not change is the same object."""
    match value:
        case str():
            start, end, inner = _read_text(value)
            if inner is NOT_JSON:
                new = texts.get(path, value[start:end])
            else:
                mapped = _with_texts(inner, (*path, AS_JSON), texts)
                new = value[start:end] if mapped == inner else json.dumps(mapped)
            return value[:start] + new + value[end:]
        case dict():
            return {key: _with_texts(inner, (*path, key), texts) for key, inner in value.items()}
        case list() | tuple():
            return [_with_texts(inner, (*path, at), texts) for at, inner in enumerate(value)]
    return value


def _read_text(text: str) -> tuple[int, int, Any]:
    """Return the range of the contents of a text, and their value if they are JSON.

    The contents of a server-sent event are its data.
    """
    event = SSE_DATA.match(text)
    start, end = event.span(1) if event else (0, len(text))
    payload = text[start:end].strip()
    if payload[:1] in ("{", '"') or payload[:2] in ("[{", '["'):
        with suppress(ValueError, RecursionError):
            return start, end, json.loads(payload)
    return (start, end, NOT_JSON) if payload else (0, len(text), NOT_JSON)
