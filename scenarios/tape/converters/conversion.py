"""Convert a file of recorded or scripted replies from one format to another.

What the other format cannot hold is listed, each with its place in the source.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
import yaml  # type: ignore[import-untyped]  # it ships no annotations

from instrumentation.input_file import read_input_text
from scenarios.tape.converters.converted import ConversionError, Converted
from scenarios.tape.tape import Tape

Format = Literal["tape", "vcrpy", "aimock"]
FORMATS: tuple[Format, ...] = get_args(Format)
FORMAT_BY_SUFFIX: dict[str, Format] = {
    ".jsonl": "tape",
    ".yaml": "vcrpy",
    ".yml": "vcrpy",
    ".json": "aimock",
}


def detect_format(path: Path) -> Format:
    """Return the format of a file by its content; an empty one by its name.

    Raises:
        ConversionError: It cannot be read, or is of none of the formats.
    """
    document = load_document(path)
    if isinstance(document, dict) and "interactions" in document:
        return "vcrpy"
    if isinstance(document, dict) and "fixtures" in document:
        return "aimock"
    if document is None or (isinstance(document, dict) and {"lane", "lanes"} & document.keys()):
        return "tape"
    raise ConversionError(
        f"{path}: expected a tape (JSONL), a vcrpy cassette (YAML with `interactions`) or an aimock"
        ' fixture file (JSON with "fixtures")'
    )


def load_document(path: Path) -> Any:
    """Return a YAML or JSON document, or the first line of a tape. Raises `ConversionError`."""
    try:
        text = read_input_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConversionError(f"{path}: cannot be read ({reason})") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    for parse, source in ((orjson.loads, text), (orjson.loads, first), (_load_yaml, text)):
        try:
            return parse(source) if source else None
        except (ValueError, yaml.YAMLError):
            continue
    raise ConversionError(f"{path}: it is neither JSON, nor JSON lines, nor YAML")


def convert_file(source: Path, target_format: Format) -> Converted:
    """Convert a file; one of the two formats must be that of a tape.

    Raises:
        ConversionError: The file is not convertible.
        TapeError: The file is an invalid tape.
    """
    from scenarios.tape.converters import aimock_to_tape, tape_to_aimock, vcrpy_cassette

    source_format = detect_format(source)
    importers: dict[str, Callable[[Any], Converted]] = {
        "vcrpy": vcrpy_cassette.to_tape,
        "aimock": aimock_to_tape.to_tape,
    }
    exporters: dict[str, Callable[[Tape], Converted]] = {
        "vcrpy": vcrpy_cassette.from_tape,
        "aimock": tape_to_aimock.from_tape,
    }
    if source_format == "tape" and target_format in exporters:
        return exporters[target_format](Tape.load(source))
    if target_format == "tape" and source_format in importers:
        return importers[source_format](load_document(source))
    raise ConversionError(
        f"{source}: is already of the format {source_format}"
        if source_format == target_format
        else f"{source}: convert it to a tape first, then the tape to {target_format}"
    )


def _load_yaml(text: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)
