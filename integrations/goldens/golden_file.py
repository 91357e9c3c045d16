"""Read and write golden files: the requests of a case, and its span trees per instrumentor.

A golden is JSON for people to review as a diff: each span and each message is on a line of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from integrations.goldens.request_drift import ModelRequest
from integrations.goldens.trees.shape_text import ShapeSyntaxError, format_shapes, parse_shapes
from integrations.goldens.trees.span_shape import SpanShape
from scenarios.reports.atomic_write import write_atomically

GOLDENS_FOLDER = Path(__file__).parent
FORMAT = "integration-golden/2"
MULTILINE_LEVELS = 5
"""How many levels of the JSON are broken into lines: down to the messages of a request."""


class GoldenFileError(Exception):
    """A golden does not exist, or cannot be read."""


@dataclass(frozen=True)
class Golden:
    """The golden of a case.

    Attributes:
        model_requests: The requests that the case sends to its model.
        shapes: The root spans, by the name of the instrumentor that recorded them.
    """

    model_requests: tuple[ModelRequest, ...] = ()
    shapes: Mapping[str, tuple[SpanShape, ...]] = field(default_factory=dict)

    def with_shapes(self, instrumentor: str, roots: Sequence[SpanShape]) -> "Golden":
        """Return a copy with the trees of one instrumentor added or replaced."""
        return replace(self, shapes={**self.shapes, instrumentor: tuple(roots)})


def golden_path(framework: str, case: str, folder: Path = GOLDENS_FOLDER) -> Path:
    """Return the file of a case's golden."""
    return folder / framework / f"{case}.json"


def load_golden(path: Path) -> Golden:
    """Read a golden. Raises `GoldenFileError`."""
    if not path.is_file():
        raise GoldenFileError(f"{path}: no golden was accepted yet: python -m integrations accept")
    try:
        return parse_golden(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise GoldenFileError(f"{path}: cannot be read ({error})") from error


def save_golden(path: Path, golden: Golden) -> bool:
    """Write a golden atomically, and return whether the file changed.

    Raises:
        FileNotWrittenError: The file cannot be written.
    """
    text = dump_golden(golden)
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.parent.mkdir(exist_ok=True)
    write_atomically(path, text)
    return True


def dump_golden(golden: Golden) -> str:
    """Return the text of a golden; equal goldens have equal texts."""
    document = {
        "format": FORMAT,
        "requests": [
            {"lane": request.lane, "path": request.path, "request": request.body}
            for request in golden.model_requests
        ],
        "shapes": {name: list(format_shapes(roots)) for name, roots in golden.shapes.items()},
    }
    return _format_json(document, "\n", MULTILINE_LEVELS) + "\n"


def _format_json(value: Any, newline: str, levels: int) -> str:
    """Format JSON with sorted keys. The outer levels have one item per line, the rest one line."""
    if levels and value and isinstance(value, dict):
        keys = ((f"{json.dumps(key, ensure_ascii=False)}: ", value[key]) for key in sorted(value))
        items = [key + _format_json(item, newline + " ", levels - 1) for key, item in keys]
        return f"{{{newline} " + f",{newline} ".join(items) + f"{newline}}}"
    if levels and value and isinstance(value, list):
        items = [_format_json(item, newline + " ", levels - 1) for item in value]
        return f"[{newline} " + f",{newline} ".join(items) + f"{newline}]"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parse_golden(text: str, source: str) -> Golden:
    """Parse the text of a golden. Raises `GoldenFileError`, which names `source`."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise GoldenFileError(
                f"{source}: expected format {FORMAT!r}, found {document['format']!r}"
            )
        requests = tuple(
            ModelRequest(str(each["lane"]), str(each["path"]), each["request"])
            for each in document["requests"]
        )
        shapes = dict(_parse_shapes(document["shapes"]))
    except (
        ShapeSyntaxError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise GoldenFileError(
            f"{source}: not a golden ({type(error).__name__}: {error}); delete it, and write it"
            " again: python -m integrations accept"
        ) from error
    return Golden(requests, shapes)


def _parse_shapes(shapes: Mapping[str, Any]) -> Iterator[tuple[str, tuple[SpanShape, ...]]]:
    for instrumentor, lines in shapes.items():
        try:
            yield instrumentor, parse_shapes(lines)
        except ShapeSyntaxError as error:
            raise ShapeSyntaxError(f"{instrumentor}: {error}") from error
