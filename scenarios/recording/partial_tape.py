"""Record into a file beside the tape, and put it in the tape's place when the recording is over.

A killed recording leaves `TAPE.PID.partial`, whose lines are complete: it is a valid tape. An
existing tape is replaced only by a recording that succeeded.
"""

import codecs
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import orjson

from instrumentation.input_file import read_input_file
from scenarios.recording.tape_writer import TapeWriter, open_tape
from scenarios.reports.atomic_write import is_special_file
from scenarios.tape.header import TapeHeader, is_header, parse_header
from scenarios.tape.tape import TapeError


@dataclass(frozen=True)
class FinishedTape:
    """Where a recording is, and whether it took the place of the tape."""

    path: Path
    replaced: bool


class PartialTape:
    """The file of a recording in progress; `writer` appends to it."""

    def __init__(self, tape: Path, *, extends: bool) -> None:
        """Create the file. With `extends` it begins with the lines of the existing tape.

        Raises:
            TapeError: It cannot be written.
        """
        if is_special_file(tape):
            raise TapeError(f"{tape}: cannot be written (it is no regular file); name a file")
        if tape.is_symlink():
            raise TapeError(f"{tape}: is a symbolic link; name the tape itself: {tape.resolve()}")
        self._tape = tape
        stem = f"{tape.name}.{os.getpid()}"
        names = chain([f"{stem}.partial"], (f"{stem}-{number}.partial" for number in count(2)))
        self._path = next(path for path in map(tape.with_name, names) if not path.exists())
        self._version = _version(tape)
        self._existed = self._version is not None
        self._new_folders = [one for one in tape.parents if not one.exists()]
        try:
            tape.parent.mkdir(parents=True, exist_ok=True)
            open_tape(self._path).close()
            if extends and self._existed:
                self._path.write_bytes(read_input_file(tape).removeprefix(codecs.BOM_UTF8))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TapeError(f"{tape}: cannot be written ({reason})") from error
        self.writer = TapeWriter(self._path)

    def append_header(self, header: TapeHeader) -> None:
        """Append a header line, which counts from now on, even if the recording is killed."""
        if fields := header.to_json():
            self.writer.append(orjson.dumps(fields))

    def finish(
        self, *, succeeded: bool, recorded: int, aborted_lines: Collection[bytes] = ()
    ) -> FinishedTape:
        """End the recording: put the file in the tape's place, or leave both where they are.

        The tape is not replaced if nothing was recorded, or if it existed and the program failed.
        Of `aborted_lines`, those whose requests were repeated later are left out.

        Raises:
            TapeError: The file could not be put in the tape's place.
        """
        if not recorded:
            self._path.unlink(missing_ok=True)
            with suppress(OSError):  # another program has written there
                for folder in self._new_folders:
                    folder.rmdir()
            return FinishedTape(self._tape, replaced=False)
        if self._existed and not succeeded:
            return FinishedTape(self._path, replaced=False)
        if _version(self._tape) != self._version:
            raise TapeError(
                f"{self._tape}: was written by something else while it was recorded, and is left as"
                f" it is; the recording is in {self._path}"
            )
        try:
            _tidy(self._path, aborted_lines)
            os.replace(self._path, self._tape)
        except OSError as error:
            raise TapeError(
                f"{self._tape}: cannot be replaced ({error.strerror}); the recording is in"
                f" {self._path}"
            ) from error
        return FinishedTape(self._tape, replaced=True)


def _version(tape: Path) -> tuple[int, int, int] | None:
    """What changes if a file is replaced or edited; None if there is none."""
    with suppress(FileNotFoundError, NotADirectoryError):
        found = tape.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None


def replace_header(path: Path, header: TapeHeader) -> None:
    """Give a tape another header; its lines stay as they are.

    Raises:
        TapeError: The tape cannot be read or written; then it is unchanged.
    """
    try:
        lines = read_input_file(path).removeprefix(codecs.BOM_UTF8).splitlines()
        _write(path, header, [raw for raw in lines if not (raw and is_header(orjson.loads(raw)))])
    except OSError as error:
        raise TapeError(f"{path}: cannot be written ({error.strerror})") from error


def _tidy(path: Path, aborted_lines: Collection[bytes]) -> None:
    """Put one header first, and remove answers that were aborted and then requested again."""
    lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    header = TapeHeader()
    kept = list[bytes]()
    for raw, fields in zip(lines, _without_repeated(lines, aborted_lines), strict=True):
        if is_header(fields):
            header = header.merge(parse_header(fields))
        elif fields is not None:
            kept.append(raw)
    _write(path, header, kept)


def _write(path: Path, header: TapeHeader, lines: list[bytes]) -> None:
    """Replace a tape atomically by one with this header and these lines."""
    head = [orjson.dumps(fields)] if (fields := header.to_json()) else []
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(FileNotFoundError):
        new.unlink()
    try:
        with open_tape(new) as file:
            left = b"".join(line + b"\n" for line in (*head, *lines))
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _without_repeated(lines: list[bytes], aborted_lines: Collection[bytes]) -> Iterator[Any]:
    """Yield the value of each line; None for an aborted answer that was requested again later."""
    values = [orjson.loads(line) for line in lines]
    last_start_ms = dict[tuple[Any, ...], int]()
    for fields in values:
        key = _request_key(fields)
        last_start_ms[key] = max(last_start_ms.get(key, 0), _start_ms(fields))
    for raw, fields in zip(lines, values, strict=True):
        is_last = _start_ms(fields) == last_start_ms[_request_key(fields)]
        yield fields if is_last or raw not in aborted_lines else None


def _request_key(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(fields.get(name) for name in ("lane", "method", "path", "digest"))


def _start_ms(fields: Mapping[str, Any]) -> int:
    start_ms: int = fields.get("recorded", {}).get("start_ms", 0)
    return start_ms
