"""A golden of a case: what was asked, and the shape of what each instrumentor told of it.

A file is JSON that a person reads in a diff: a span is a line, and so is a message.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from integrations.goldens.model_requests import Asked
from integrations.trees.shape_text import NoShape, lines, parsed
from integrations.trees.span_shape import Shape
from scenarios.atomic_write import write as write_whole

GOLDENS = Path(__file__).parent
FORMAT = "integration-golden/1"
LEVELS = 5
"""How many levels of the JSON are broken into lines: down to the list of a request's messages."""


class NoGolden(Exception):
    """Raised when there is no golden to compare with, or none that can be read."""


@dataclass(frozen=True)
class Golden:
    """`shapes` are roots, by the instrumentor that recorded them at the reference cell."""

    asked: tuple[Asked, ...] = ()
    shapes: Mapping[str, tuple[Shape, ...]] = field(default_factory=dict)

    def told(self, instrumentor: str, roots: Sequence[Shape]) -> "Golden":
        """This golden, and what one more instrumentor tells, or now tells."""
        return replace(self, shapes={**self.shapes, instrumentor: tuple(roots)})


def place(framework: str, case: str, goldens: Path = GOLDENS) -> Path:
    """The file of a case's golden."""
    return goldens / framework / f"{case}.json"


def read(path: Path) -> Golden:
    """The golden that a file holds. Raises `NoGolden` where there is none."""
    if not path.is_file():
        raise NoGolden(f"{path}: no golden was accepted here yet")
    try:
        return loads(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise NoGolden(f"{path}: cannot be read ({error})") from error


def write(path: Path, golden: Golden) -> bool:
    """Put a golden at `path`, whole; whether that changed it. Raises `whole.NotWritten`."""
    text = dumps(golden)
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.parent.mkdir(exist_ok=True)
    write_whole(path, text)
    return True


def dumps(golden: Golden) -> str:
    """The golden as text; the same golden is the same text."""
    written = {
        "format": FORMAT,
        "asked": [
            {"lane": asked.lane, "path": asked.path, "request": asked.request}
            for asked in golden.asked
        ],
        "shapes": {name: list(lines(roots)) for name, roots in golden.shapes.items()},
    }
    return _written(written, "\n", LEVELS) + "\n"


def _written(value: Any, line: str, levels: int) -> str:
    """JSON, keys sorted, whose outer levels stand on lines of their own, and the rest on one."""
    if levels and value and isinstance(value, dict):
        pairs = ((f"{json.dumps(key, ensure_ascii=False)}: ", value[key]) for key in sorted(value))
        inner = [key + _written(of, line + " ", levels - 1) for key, of in pairs]
        return f"{{{line} " + f",{line} ".join(inner) + f"{line}}}"
    if levels and value and isinstance(value, list):
        inner = [_written(each, line + " ", levels - 1) for each in value]
        return f"[{line} " + f",{line} ".join(inner) + f"{line}]"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def loads(text: str, where: str) -> Golden:
    """Read what `dumps` wrote. Raises `NoGolden` naming `where`, when it did not write this."""
    try:
        written = json.loads(text)
        if written["format"] != FORMAT:
            raise NoGolden(f"{where}: format {written['format']!r}, and {FORMAT!r} is read here")
        asked = tuple(
            Asked(str(each["lane"]), str(each["path"]), each["request"])
            for each in written["asked"]
        )
        shapes = dict(_shapes(written["shapes"]))
    except (NoShape, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoGolden(
            f"{where}: not a golden ({type(error).__name__}: {error}); delete it, and"
            " python -m integrations accept writes it anew"
        ) from error
    return Golden(asked, shapes)


def _shapes(written: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Shape, ...]]]:
    for instrumentor, roots in written.items():
        try:
            yield instrumentor, parsed(roots)
        except NoShape as error:
            raise NoShape(f"of {instrumentor}, {error}") from error
