"""Values: plain structures, walked to the texts that they hold."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from instrumentation.redaction.storable_text import make_storable

TOO_DEEP = "[redacted: too deep to read]"
NAME_KEYS = ("name", "key", "header")
"""Under which of its keys a pair tells its name, where it is a mapping: {"name": …, "value": …}."""
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
"""What may be the first of a pair of texts: (b"authorization", b"Bearer …")."""


class TextRedactor(Protocol):
    """What a walk asks: what a text becomes, whether a name hides its value, and behind what."""

    def redact_text(self, text: str) -> str: ...
    def is_secret_field(self, name: str, value: str | None) -> bool: ...
    @property
    def field_placeholder(self) -> str: ...


def redact_nested(value: Any, redactor: TextRedactor) -> Any:
    """The value with each of its texts as `words` has it, and as it can be stored; the very same
    where nothing changes.

    Mappings, lists, tuples, sets, texts, bytes and numbers are read; keys of mappings too. An
    object of any other class is left as it is: give its data.
    """
    match value:
        case str():
            return make_storable(redactor.redact_text(value))
        case bytes() | bytearray():
            return _redact_bytes(bytes(value), redactor)
        case bool() | None:
            return value
        case int():
            return value if (told := redactor.redact_text(str(value))) == str(value) else told
        case Mapping():
            return _redact_mapping(value, redactor)
        case list() | tuple() | set() | frozenset():
            return _redact_items(value, redactor)
    return value


def redact_json_text(text: str, redactor: TextRedactor) -> str | None:
    """The same for a text that spells a structure; None for one that spells none."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = json.loads(text)
        changed = redact_nested(value, redactor)
    except (ValueError, RecursionError):
        return None
    return text if changed == value else json.dumps(changed, ensure_ascii=text.isascii())


def _redact_bytes(value: bytes, redactor: TextRedactor) -> bytes:
    """Read as UTF-8, or byte by byte where it is none: an image may hold a text all the same."""
    try:
        text, encoding = value.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = value.decode("latin-1"), "latin-1"
    changed = redactor.redact_text(text)
    return value if changed == text else changed.encode(encoding, "replace")


def _redact_mapping(value: Mapping[Any, Any], redactor: TextRedactor) -> Any:
    named = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    hides_value = (
        named is not None
        and "value" in value
        and redactor.is_secret_field(named, _as_text(value["value"]))
    )
    changed: dict[Any, Any] = {}
    for key, held in value.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        secret = (
            isinstance(name, str)
            and redactor.is_secret_field(name, _as_text(held))
            and not _is_schema(held)
        )
        told = redact_nested(key, redactor)
        while told != key and told in changed:
            told = f"{told}'"
        hidden = secret or (hides_value and key == "value")
        changed[told] = _hide(held, redactor) if hidden else redact_nested(held, redactor)
    return value if all(_unchanged_items(value, changed)) else changed


def _unchanged_items(value: Mapping[Any, Any], changed: Mapping[Any, Any]) -> list[bool]:
    return [
        old is new and held is other
        for (old, held), (new, other) in zip(value.items(), changed.items(), strict=True)
    ]


def _redact_items(value: Any, redactor: TextRedactor) -> Any:
    if len(value) == 2 and not isinstance(value, set | frozenset):
        name, held = value
        if (
            (_as_text(name) or "").lower() in SECRET_HEADERS
            and _as_text(held)
            and redactor.is_secret_field(_as_text(name) or "", None)
        ):
            return _same_kind(value, [name, _hide(held, redactor)])
    changed = [redact_nested(held, redactor) for held in value]
    same = all(new is old for new, old in zip(changed, value, strict=True))
    return value if same else _same_kind(value, changed)


def _same_kind(value: Any, items: list[Any]) -> Any:
    """A collection of the kind of `value`; a named tuple becomes a plain one."""
    kinds: tuple[Callable[[list[Any]], Any], ...] = (list, tuple, set, frozenset)
    return next(kind for kind in kinds if isinstance(value, kind))(items)  # type: ignore[arg-type]


def _hide(value: Any, redactor: TextRedactor) -> Any:
    """What stands in the place of a secret: the mark, for each of several."""
    match value:
        case None | bool() | "" | b"":
            return value
        case bytes() | bytearray():
            return redactor.field_placeholder.encode()
        case Mapping():
            return {key: _hide(held, redactor) for key, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return _same_kind(value, [_hide(held, redactor) for held in value])
    return redactor.field_placeholder


def _as_text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bytes() | bytearray():
            return value.decode("latin-1")
    return None


def _is_schema(value: Any) -> bool:
    """Whether it is no secret but the schema of one: {"type": "string", …}."""
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)
