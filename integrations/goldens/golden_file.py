"""A golden of a case: what was asked, and the shape of what each instrumentor told of it.

A file is JSON that a person reads in a diff: a span is a line, and so is a message.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from integrations.goldens.model_requests import ModelRequest
from integrations.trees.shape_text import ShapeSyntaxError, format_shapes, parse_shapes
from integrations.trees.span_shape import SpanShape
from scenarios.atomic_write import write_atomically as write_whole

GOLDENS_FOLDER = Path(__file__).parent
FORMAT = "integration-golden/1"
MULTILINE_LEVELS = 5
"""How many levels of the JSON are broken into lines: down to the list of a request's messages."""


class GoldenFileError(Exception):
    """Raised when there is no golden to compare with, or none that can be read."""


@dataclass(frozen=True)
class Golden:
    """`shapes` are roots, by the instrumentor that recorded them at the reference cell."""

    model_requests: tuple[ModelRequest, ...] = ()
    shapes: Mapping[str, tuple[SpanShape, ...]] = field(default_factory=dict)

    def with_shapes(self, instrumentor: str, roots: Sequence[SpanShape]) -> "Golden":
        """This golden, and what one more instrumentor tells, or now tells."""
        return replace(self, shapes={**self.shapes, instrumentor: tuple(roots)})


def golden_path(framework: str, case: str, folder: Path = GOLDENS_FOLDER) -> Path:
    """The file of a case's golden."""
    return folder / framework / f"{case}.json"


def load_golden(path: Path) -> Golden:
    """The golden that a file holds. Raises `NoGolden` where there is none."""
    if not path.is_file():
        raise GoldenFileError(f"{path}: no golden was accepted here yet")
    try:
        return parse_golden(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise GoldenFileError(f"{path}: cannot be read ({error})") from error


def save_golden(path: Path, golden: Golden) -> bool:
    """Put a golden at `path`, whole; whether that changed it. Raises `whole.NotWritten`."""
    text = dump_golden(golden)
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.parent.mkdir(exist_ok=True)
    write_whole(path, text)
    return True


def dump_golden(golden: Golden) -> str:
    """The golden as text; the same golden is the same text."""
    written = {
        "format": FORMAT,
        "asked": [
            {"lane": asked.lane, "path": asked.path, "request": asked.body}
            for asked in golden.model_requests
        ],
        "shapes": {name: list(format_shapes(roots)) for name, roots in golden.shapes.items()},
    }
    return _format_json(written, "\n", MULTILINE_LEVELS) + "\n"


def _format_json(value: Any, line: str, levels: int) -> str:
    """JSON, keys sorted, whose outer levels stand on lines of their own, and the rest on one."""
    if levels and value and isinstance(value, dict):
        pairs = ((f"{json.dumps(key, ensure_ascii=False)}: ", value[key]) for key in sorted(value))
        inner = [key + _format_json(of, line + " ", levels - 1) for key, of in pairs]
        return f"{{{line} " + f",{line} ".join(inner) + f"{line}}}"
    if levels and value and isinstance(value, list):
        inner = [_format_json(each, line + " ", levels - 1) for each in value]
        return f"[{line} " + f",{line} ".join(inner) + f"{line}]"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parse_golden(text: str, source: str) -> Golden:
    """Read what `dumps` wrote. Raises `NoGolden` naming `where`, when it did not write this."""
    try:
        written = json.loads(text)
        if written["format"] != FORMAT:
            raise GoldenFileError(
                f"{source}: format {written['format']!r}, and {FORMAT!r} is read here"
            )
        asked = tuple(
            ModelRequest(str(each["lane"]), str(each["path"]), each["request"])
            for each in written["asked"]
        )
        shapes = dict(_parse_shapes(written["shapes"]))
    except (
        ShapeSyntaxError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise GoldenFileError(
            f"{source}: not a golden ({type(error).__name__}: {error}); delete it, and"
            " python -m integrations accept writes it anew"
        ) from error
    return Golden(asked, shapes)


def _parse_shapes(written: Mapping[str, Any]) -> Iterator[tuple[str, tuple[SpanShape, ...]]]:
    for instrumentor, roots in written.items():
        try:
            yield instrumentor, parse_shapes(roots)
        except ShapeSyntaxError as error:
            raise ShapeSyntaxError(f"of {instrumentor}, {error}") from error
