"""Redact all texts in nested plain data (mappings, sequences, bytes, JSON), and make them storable.

JSON can contain half of a surrogate pair, and so can the end of a truncated answer. It is not valid
UTF-8, so MLflow's store rejects the whole trace. PostgreSQL stores no NUL.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from instrumentation.redaction.personal_data_patterns import is_number_field

if TYPE_CHECKING:
    from instrumentation.redaction.redaction import Redaction

TOO_DEEP = "[redacted: too deep to read]"
NAME_KEYS = ("name", "key", "header")
"""The keys of the name in a mapping that describes a field: {"name": …, "value": …}."""
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
"""Names in a pair of name and value: (b"authorization", b"Bearer …")."""

FIGURE = re.compile(r"[+(]{0,2}\d[\d ()./-]{3,24}")
"""Digits that may be a phone number, a PIN or a code."""
UNSTORABLE_CHARACTER = re.compile("[\0\ud800-\udfff]")
REPLACEMENT_CHARACTER = "\ufffd"
"""Unicode's replacement for a character that could not be decoded."""


def redact_nested(value: Any, redactor: "Redaction") -> Any:
    """Redact each text of a value, including mapping keys, and replace unstorable characters.

    Returns the same object if nothing changes. Objects of other classes are not changed: pass their
    data instead.
    """
    match value:
        case str():
            return make_storable(redactor.redact_text(value))
        case bytes() | bytearray():
            return _redact_bytes(bytes(value), redactor)
        case bool() | None:
            return value
        case int():
            text = str(value)
            return value if (redacted := redactor.redact_text(text)) == text else redacted
        case Mapping():
            return _redact_mapping(value, redactor)
        case list() | tuple() | set() | frozenset():
            return _redact_items(value, redactor)
    return value


def redact_json_text(text: str, redactor: "Redaction") -> str | None:
    """Redact a text that contains JSON; None if it does not."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = json.loads(text)
        redacted = redact_nested(value, redactor)
    except (ValueError, RecursionError):
        return None
    return text if redacted == value else json.dumps(redacted, ensure_ascii=text.isascii())


def _redact_bytes(value: bytes, redactor: "Redaction") -> bytes:
    """Redact bytes read as UTF-8, or else byte by byte: even an image may contain text."""
    try:
        text, encoding = value.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = value.decode("latin-1"), "latin-1"
    redacted = redactor.redact_text(text)
    return value if redacted == text else redacted.encode(encoding, "replace")


def _redact_mapping(value: Mapping[Any, Any], redactor: "Redaction") -> Any:
    names = (value[key] for key in NAME_KEYS if isinstance(value.get(key), str))
    name = next(names, None)
    describes_secret = (
        name is not None
        and "value" in value
        and redactor.is_secret_field(name, _as_text(value["value"]))
    )
    is_mcp_server = value.get("type") == "mcp"
    redacted: dict[Any, Any] = {}
    for key, inner in value.items():
        field = key.decode("latin-1") if isinstance(key, bytes) else key
        is_secret = (
            isinstance(field, str)
            and redactor.is_secret_field(field, _as_text(inner))
            and not _is_schema(inner)
        )
        new_key = redact_nested(key, redactor)
        while new_key != key and new_key in redacted:
            new_key = f"{new_key}'"
        is_secret |= (describes_secret and key == "value") or (is_mcp_server and key == "headers")
        if is_secret:
            redacted[new_key] = _hide(inner, redactor)
        elif isinstance(field, str) and is_number_field(field) and _is_number(inner):
            redacted[new_key] = inner
        else:
            redacted[new_key] = _redact_named(field, inner, redactor)
    return value if _is_unchanged(value, redacted) else redacted


def _redact_named(name: Any, value: Any, redactor: "Redaction") -> Any:
    """Redact the value of a field. A number may be personal after its name: {"pin": 4827}."""
    if isinstance(value, list) and value and all(map(_is_figure, value)):
        redacted = [_redact_named(name, inner, redactor) for inner in value]
        return value if redacted == value else redacted
    if isinstance(name, str) and _is_figure(value):
        prefix = f"{name}: "
        text = redactor.redact_text(f"{prefix}{value}")
        if text.startswith(prefix) and text != f"{prefix}{value}":
            return text.removeprefix(prefix)
    return redact_nested(value, redactor)


def _is_figure(value: Any) -> bool:
    return type(value) in (int, str) and FIGURE.fullmatch(str(value)) is not None


def _is_number(value: Any) -> bool:
    """Return whether a value is a number without a group separator, or a list of such."""
    if isinstance(value, list | tuple):
        return all(map(_is_number, value))
    return isinstance(value, int) or (isinstance(value, str) and value.isdecimal())


def _is_unchanged(value: Mapping[Any, Any], redacted: Mapping[Any, Any]) -> bool:
    pairs = zip(value.items(), redacted.items(), strict=True)
    return all(key is new_key and inner is new for (key, inner), (new_key, new) in pairs)


def _redact_items(value: Any, redactor: "Redaction") -> Any:
    if len(value) == 2 and not isinstance(value, set | frozenset):
        name, inner = value
        header = _as_text(name) or ""
        is_header = (
            header.lower() in SECRET_HEADERS or header.lower().startswith("x-")
        ) and _as_text(inner)
        if is_header and redactor.is_secret_field(header, _as_text(inner)):
            return _same_kind(value, [name, _hide(inner, redactor)])
    redacted = [redact_nested(inner, redactor) for inner in value]
    if isinstance(value, list | tuple):
        for index, (option, inner) in enumerate(pairwise(value)):
            is_value = isinstance(inner, str) and not inner.startswith("-")
            is_option = isinstance(option, str) and option.startswith("--")
            if is_option and is_value and redactor.is_secret_field(option, inner):
                redacted[index + 1] = _hide(inner, redactor)
    is_unchanged = all(new is old for new, old in zip(redacted, value, strict=True))
    return value if is_unchanged else _same_kind(value, redacted)


def _same_kind(value: Any, items: list[Any]) -> Any:
    """A collection of the same kind as `value`; a named tuple becomes a plain one."""
    kinds: tuple[Callable[[list[Any]], Any], ...] = (list, tuple, set, frozenset)
    return next(kind for kind in kinds if isinstance(value, kind))(items)  # type: ignore[arg-type]


def _hide(value: Any, redactor: "Redaction") -> Any:
    """Replace a secret, or each item of a structure of secrets, by the placeholder."""
    match value:
        case None | bool() | "" | b"":
            return value
        case bytes() | bytearray():
            return redactor.field_placeholder.encode()
        case Mapping():
            return {key: _hide(inner, redactor) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return _same_kind(value, [_hide(inner, redactor) for inner in value])
    return redactor.field_placeholder


def _as_text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case bytes() | bytearray():
            return value.decode("latin-1")
    return None


def _is_schema(value: Any) -> bool:
    """Return whether a value is the JSON schema of a secret: {"type": "string", …}."""
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def make_storable(text: str) -> str:
    """Replace each unstorable character. Returns the same object if nothing was redacted."""
    return UNSTORABLE_CHARACTER.sub(REPLACEMENT_CHARACTER, text) if is_unstorable(text) else text


def is_unstorable(text: str) -> bool:
    """Return whether a text contains an unstorable character."""
    return "\0" in text or not (text.isascii() or UNSTORABLE_CHARACTER.search(text) is None)
