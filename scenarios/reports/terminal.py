"""Print untrusted text on a terminal: control characters are replaced, never obeyed.

A tape, a trace or a model's answer may have control characters that clear the screen, or move to
another line and write `passed` there.
"""

import os
import re
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from io import TextIOBase, TextIOWrapper
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from instrumentation.trace.outline import CONTROL_CHARACTERS

UNSAFE_CHARACTERS = re.compile(rf"(?![\n\t]){CONTROL_CHARACTERS.pattern}")


def replace_control_characters(text: str) -> str:
    """The text with � in place of each control character except newline and tab."""
    return UNSAFE_CHARACTERS.sub("�", text)


class SafeStream:
    """A wrapper of a text stream that replaces control characters in all that is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.rich_proxied_file = stream
        """The stream that Rich writes to, because its colours are control characters, too."""

    def write(self, text: str) -> int:
        return self._stream.write(replace_control_characters(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream.writelines(map(replace_control_characters, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class SafeErrorStream(SafeStream):
    """The same for stderr. If it cannot be written, as on a full disk, the command goes on."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class ClosedStream(TextIOBase):
    """A stream that was closed before the program started: it swallows everything."""

    def write(self, text: str) -> int:
        return len(text)


class SafeConsole(Console):
    """Rich's console with its own colours, but without control characters in the text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Generator[Segment]:
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else replace_control_characters(segment.text)
            yield Segment(text, segment.style, segment.control)

    def out(self, *objects: Any, sep: str = " ", end: str = "\n", **how: Any) -> None:
        """Print a text. Output that is not a terminal gets every character unchanged."""
        if self.is_terminal:
            # Replaced before Rich drops some control characters without a trace.
            safe = (replace_control_characters(str(one)) for one in objects)
            super().out(*safe, sep=sep, end=end, **how)
        else:
            self.file.write(sep.join(map(str, objects)) + end)
            self.file.flush()


def discard_output() -> None:
    """Let stdout swallow everything, so that Python does not try again to write it at exit."""
    if sys.stdout is not None and not isinstance(sys.stdout, ClosedStream):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def safe_output() -> Generator[None]:
    """Replace control and unencodable characters in stdout and stderr within the block."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    # A stream that was closed before the program started is None.
    sys.stdout = SafeStream(sys.stdout) if sys.stdout else ClosedStream()
    sys.stderr = SafeErrorStream(sys.stderr) if sys.stderr else ClosedStream()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
