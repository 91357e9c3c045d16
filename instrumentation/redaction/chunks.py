"""Redact texts that form one text together, such as the chunks of a stream.

No single chunk contains a streamed key: `sk-p` is in one, the rest in four more. So the texts at
the same place of all chunks are joined and searched, and each match is removed from each chunk.

Several texts may take turns in one stream: the arguments of parallel tool calls, choices, items,
agents. Their chunks say to which text they belong: by an index, by an id, by the name of a source.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.redaction.searchable_text import Match

PLACEHOLDER_PREFIX = "[redacted: "
PART_KEYS = frozenset({"index", "item_id", "call_id", "full_message_id", "source", "agent"})
"""Keys whose value says to which text a chunk belongs, besides `…_index`."""
SSE_DATA = re.compile(r"^(?:(?:event|id|retry):[^\n]*\n)*data: ?([^\n]*)\s*\Z")
"""A server-sent event with one line of data."""
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Place:
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
            (key, value[key])
            for key in value
            if isinstance(key, str)
            and (key in PART_KEYS or key.endswith("_index"))
            and isinstance(value[key], int | str)
        )
        if not part:
            return self
        is_item = self.part and isinstance(self.part[-1], int)
        return Place(self.path, (*(self.part[:-1] if is_item else self.part), *part))


TextMapper = Callable[[Place, str], str]


def redact_chunks(values: Sequence[Any], find_matches: Callable[[str], list[Match]]) -> list[Any]:
    """Redact values that form one text together, or several that take turns.

    A placeholder is put into the chunk in which the secret begins. JSON inside texts is parsed,
    including that of server-sent events. Values that do not change are the same objects.

    Args:
        values: Texts or nested plain data.
        find_matches: Finds the secrets in a text, in order and without overlaps.
    """
    texts: list[tuple[int, Place, str]] = []
    for index, value in enumerate(values):

        def collect(place: Place, text: str, index: int = index) -> str:
            texts.append((index, place, text))
            return text

        _map_texts(value, Place(), collect)
    redacted = [text for _, _, text in texts]
    for group in _group_texts([place for _, place, _ in texts]):
        chunks = [redacted[number] for number in group]
        matches = find_matches("".join(chunks))
        for number, new in zip(group, remove_matches(chunks, matches), strict=True):
            redacted[number] = new
    changes: dict[int, dict[Path, str]] = defaultdict(dict)
    for (index, place, old), new in zip(texts, redacted, strict=True):
        if new != old:
            changes[index][place.path] = new
    return [_with_texts(value, changes.get(index)) for index, value in enumerate(values)]


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
    """Replace matches in a text that is given in chunks.

    Args:
        chunks: The parts of the text.
        matches: Ranges of the whole text, in order and without overlaps.
    """
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


def _with_texts(value: Any, texts: dict[Path, str] | None) -> Any:
    if not texts:
        return value
    return _map_texts(value, Place(), lambda place, text: texts.get(place.path, text))


def _map_texts(value: Any, place: Place, mapper: TextMapper) -> Any:
    """Replace each text of a value by the result of the mapper."""
    match value:
        case str():
            return _map_json_text(value, place, mapper)
        case dict():
            place = place.of_part(value)
            return {
                key: _map_texts(inner, place.child(key), mapper) for key, inner in value.items()
            }
        case list() | tuple():
            return [
                _map_texts(inner, place.child(index), mapper) for index, inner in enumerate(value)
            ]
    return value


def _map_json_text(text: str, place: Place, mapper: TextMapper) -> str:
    """Map a text, or the texts inside it if it contains JSON or is a server-sent event."""
    event = SSE_DATA.match(text)
    payload = (event[1] if event else text).strip()
    if payload[:1] in ("{", '"') or payload[:2] in ("[{", '["'):
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            return mapper(place, text)
        mapped = _map_texts(value, place.child("as JSON"), mapper)
        return text if mapped == value else text.replace(payload, json.dumps(mapped))
    if event and payload:
        return text[: event.start(1)] + mapper(place, event[1]) + text[event.end(1) :]
    return mapper(place, text)
