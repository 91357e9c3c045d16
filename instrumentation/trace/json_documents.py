"""Read a file as JSON documents: one document, or one per line."""

import json
import math
from pathlib import Path
from typing import Any

from instrumentation.trace.span_tree import TraceNotFoundError

READABLE_FORMATS = (
    "MLflow's JSON of one or several traces (`mlflow traces get` or `mlflow traces search --output"
    " json`), OTLP JSON, a trace that `accept` recorded, or a log of a conversation"
)


def read_json(path: Path) -> list[Any]:
    """The JSON documents of a file.

    Raises:
        TraceNotFoundError: It is no JSON.
        OSError: It cannot be read.
    """
    return _parse_documents(_decode(path.read_bytes()))


def _decode(content: bytes) -> str:
    """The text of a file; Windows shells write UTF-16, with a byte order mark."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceNotFoundError(
            f"it is not a text file: byte {error.start} is not UTF-8; expected {READABLE_FORMATS}"
        ) from error


def _parse_documents(text: str) -> list[Any]:
    """The JSON document of a file, or its JSON lines."""
    try:
        return [parse_json(text)]
    except RecursionError as error:
        raise TraceNotFoundError("its JSON is nested too deep") from error
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [parse_json(line) for line in lines] if len(lines) > 1 else _fail(error)
        except (ValueError, RecursionError):
            empty = "it is empty" if not lines else f"it is not JSON ({error})"
            raise TraceNotFoundError(f"{empty}; expected {READABLE_FORMATS}") from error


def _fail(error: ValueError) -> list[Any]:
    raise error


def parse_json(text: str) -> Any:
    """Parse JSON. Raises `TraceNotFoundError` if a number is infinite, as Python reads it."""
    return json.loads(text, parse_float=_parse_finite)


def _parse_finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise TraceNotFoundError(f"the number {text} is too large")
    return number
