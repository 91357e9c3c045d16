"""Redact texts that form one text together, such as the chunks of a stream.

No single chunk contains a streamed key: `sk-p` is in one, the rest in four more. So the texts at
the same place of all chunks are joined and searched, and each match is removed from each chunk.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from instrumentation.redaction.searchable_text import Match

PLACEHOLDER_PREFIX = "[redacted: "
SSE_PREFIX = "data:"
"""How a server-sent event begins; the rest is JSON."""
Path = tuple[Any, ...]
TextMapper = Callable[[Path, str], str]


def redact_chunks(values: Sequence[Any], find_matches: Callable[[str], list[Match]]) -> list[Any]:
    """Redact values that form one text together.

    A placeholder is put into the chunk in which the secret begins. JSON inside texts is parsed,
    including that of server-sent events. Values that do not change are the same objects.

    Args:
        values: Texts or nested plain data.
        find_matches: Finds the secrets in a text, in order and without overlaps.
    """
    texts_at: dict[Path, list[tuple[int, str]]] = defaultdict(list)
    for index, value in enumerate(values):

        def collect(path: Path, text: str, index: int = index) -> str:
            texts_at[path].append((index, text))
            return text

        _map_texts(value, (), collect)
    changes: dict[int, dict[Path, str]] = defaultdict(dict)
    for path, indexed in texts_at.items():
        texts = [text for _, text in indexed]
        redacted = remove_matches(texts, find_matches("".join(texts)))
        for (index, old), new in zip(indexed, redacted, strict=True):
            if new != old:
                changes[index][path] = new
    return [_with_texts(value, changes.get(index)) for index, value in enumerate(values)]


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
    return _map_texts(value, (), lambda path, text: texts.get(path, text))


def _map_texts(value: Any, path: Path, mapper: TextMapper) -> Any:
    """Replace each text of a value by the result of the mapper."""
    match value:
        case str():
            return _map_json_text(value, path, mapper)
        case dict():
            return {key: _map_texts(inner, (*path, key), mapper) for key, inner in value.items()}
        case list() | tuple():
            return [_map_texts(inner, (*path, index), mapper) for index, inner in enumerate(value)]
    return value


def _map_json_text(text: str, path: Path, mapper: TextMapper) -> str:
    """Map a text, or the texts inside it if it contains JSON."""
    payload = text.strip().removeprefix(SSE_PREFIX).strip()
    if payload[:1] in ("{", '"') or payload[:2] in ("[{", '["'):
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            return mapper(path, text)
        mapped = _map_texts(value, (*path, "as JSON"), mapper)
        return text if mapped == value else text.replace(payload, json.dumps(mapped))
    return mapper(path, text)
