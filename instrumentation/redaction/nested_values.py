"""Values: plain structures, walked to the texts that they hold."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from instrumentation.redaction.storable_text import storable

TOO_DEEP = "[redacted: too deep to read]"
NAMES = ("name", "key", "header")
"""Under which of its keys a pair tells its name, where it is a mapping: {"name": …, "value": …}."""
HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
"""What may be the first of a pair of texts: (b"authorization", b"Bearer …")."""


class Words(Protocol):
    """What a walk asks: what a text becomes, whether a name hides its value, and behind what."""

    def text(self, text: str) -> str: ...
    def hides(self, name: str, value: str | None) -> bool: ...
    @property
    def hidden(self) -> str: ...


def walked(value: Any, words: Words) -> Any:
    """The value with each of its texts as `words` has it, and as it can be stored; the very same
    where nothing changes.

    Mappings, lists, tuples, sets, texts, bytes and numbers are read; keys of mappings too. An
    object of any other class is left as it is: give its data.
    """
    match value:
        case str():
            return storable(words.text(value))
        case bytes() | bytearray():
            return _bytes(bytes(value), words)
        case bool() | None:
            return value
        case int():
            return value if (told := words.text(str(value))) == str(value) else told
        case Mapping():
            return _mapping(value, words)
        case list() | tuple() | set() | frozenset():
            return _items(value, words)
    return value


def walked_json(text: str, words: Words) -> str | None:
    """The same for a text that spells a structure; None for one that spells none."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = json.loads(text)
        changed = walked(value, words)
    except (ValueError, RecursionError):
        return None
    return text if changed == value else json.dumps(changed, ensure_ascii=text.isascii())


def _bytes(value: bytes, words: Words) -> bytes:
    """Read as UTF-8, or byte by byte where it is none: an image may hold a text all the same."""
    try:
        text, encoding = value.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = value.decode("latin-1"), "latin-1"
    changed = words.text(text)
    return value if changed == text else changed.encode(encoding, "replace")


def _mapping(value: Mapping[Any, Any], words: Words) -> Any:
    named = next((value[key] for key in NAMES if isinstance(value.get(key), str)), None)
    hides_value = (
        named is not None and "value" in value and words.hides(named, _told(value["value"]))
    )
    changed: dict[Any, Any] = {}
    for key, held in value.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        secret = isinstance(name, str) and words.hides(name, _told(held)) and not _schema(held)
        told = walked(key, words)
        while told != key and told in changed:
            told = f"{told}'"
        hidden = secret or (hides_value and key == "value")
        changed[told] = _hidden(held, words) if hidden else walked(held, words)
    return value if all(_same(value, changed)) else changed


def _same(value: Mapping[Any, Any], changed: Mapping[Any, Any]) -> list[bool]:
    return [
        old is new and held is other
        for (old, held), (new, other) in zip(value.items(), changed.items(), strict=True)
    ]


def _items(value: Any, words: Words) -> Any:
    if len(value) == 2 and not isinstance(value, set | frozenset):
        name, held = value
        if (
            (_told(name) or "").lower() in HEADERS
            and _told(held)
            and words.hides(_told(name) or "", None)
        ):
            return _like(value, [name, _hidden(held, words)])
    changed = [walked(held, words) for held in value]
    same = all(new is old for new, old in zip(changed, value, strict=True))
    return value if same else _like(value, changed)


def _like(value: Any, items: list[Any]) -> Any:
    """A collection of the kind of `value`; a named tuple becomes a plain one."""
    kinds: tuple[Callable[[list[Any]], Any], ...] = (list, tuple, set, frozenset)
    return next(kind for kind in kinds if isinstance(value, kind))(items)  # type: ignore[arg-type]


def _hidden(value: Any, words: Words) -> Any:
    """What stands in the place of a secret: the mark, for each of several."""
    match value:
        case None | bool() | "" | b"":
            return value
        case bytes() | bytearray():
            return words.hidden.encode()
        case Mapping():
            return {key: _hidden(held, words) for key, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return _like(value, [_hidden(held, words) for held in value])
    return words.hidden


def _told(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bytes() | bytearray():
            return value.decode("latin-1")
    return None


def _schema(value: Any) -> bool:
    """Whether it is no secret but the schema of one: {"type": "string", …}."""
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)
