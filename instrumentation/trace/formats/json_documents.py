"""Read JSON: a file with one or several documents, or the value of a span's attribute."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from instrumentation.input_file import read_input_file
from instrumentation.trace.formats.exported_span import TraceNotFoundError
from instrumentation.trace.wording import describe_value

READABLE_FORMATS = (
    "MLflow's JSON of one or several traces (`mlflow traces get` or `mlflow traces search --output"
    " json`), OTLP JSON, a trace that `accept` recorded, or a log of a conversation"
)

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of a half of a surrogate pair."""
MAX_DIGITS = 20
"""Integers with more digits do not fit into 64 bits."""


def read_json(path: Path) -> list[Any]:
    """The JSON documents of a file.

    Raises:
        TraceNotFoundError: It is no JSON.
        OSError: It cannot be read.
    """
    return _parse_documents(_decode(read_input_file(path)))


def _decode(content: bytes) -> str:
    """The text of a file; Windows shells write UTF-16, with a byte order mark."""
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceNotFoundError(
            f"it is not a text file: byte {error.start} is not {'UTF-16' if is_utf16 else 'UTF-8'};"
            f" expected {READABLE_FORMATS}"
        ) from error


def _parse_documents(text: str) -> list[Any]:
    """The JSON documents of a file: one, one per line, or one after another, as of `jq`."""
    documents, position = list[Any](), _skip_space(text, 0)
    try:
        while position < len(text):
            document, end = FILE_DECODER.raw_decode(text, position)
            documents.append(_replace_surrogates(document) if SURROGATE.search(text) else document)
            position = _skip_space(text, end)
    except RecursionError as error:
        raise TraceNotFoundError("its JSON is nested too deep") from error
    except ValueError as error:
        raise TraceNotFoundError(
            f"it is not JSON ({error}); expected {READABLE_FORMATS}"
        ) from error
    if not documents:
        raise TraceNotFoundError(f"it is empty; expected {READABLE_FORMATS}")
    return documents


def parse_json(text: str) -> Any:
    """Parse JSON into values that can be written as JSON again.

    NaN and numbers that no float holds become texts, integers of more than 64 bits floats, and
    halves of a surrogate pair the replacement character.

    Raises:
        ValueError: It is not JSON.
    """
    value = VALUE_DECODER.decode(text)
    return _replace_surrogates(value) if SURROGATE.search(text) else value


def decode_json(text: Any) -> Any:
    """The object or array that a text encodes, or else the value itself."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _parse_float(text: str) -> Any:
    number = float(text)
    return text if math.isinf(number) else number


def _parse_integer(text: str) -> Any:
    if len(text) <= MAX_DIGITS and -(2**63) <= (number := int(text)) < 2**64:
        return number
    return _parse_float(text)


def _reject_large(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same parser, except that it raises `TraceNotFoundError` for what no float holds."""

    def parse_or_reject(text: str) -> Any:
        number = parse(text)
        if isinstance(number, str):
            raise TraceNotFoundError(f"the number {describe_value(text)[1:-1]} is too large")
        return number

    return parse_or_reject


def _replace_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_replace_surrogates(one) for one in value]
        case dict():
            return {
                _replace_surrogates(key): _replace_surrogates(one) for key, one in value.items()
            }
    return value


VALUE_DECODER = json.JSONDecoder(
    parse_float=_parse_float, parse_int=_parse_integer, parse_constant=str
)
FILE_DECODER = json.JSONDecoder(
    parse_float=_reject_large(_parse_float),
    parse_int=_reject_large(_parse_integer),
    parse_constant=str,
)
