"""A terminal: it shows what is printed, and obeys nothing that stands in it.

A tape, a trace or a model's answer may hold what clears a screen, or moves to another line and
there writes `passed`.
"""

import re
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from instrumentation.trace.outline import CONTROL_CHARACTERS

CONTROL_CHARACTERS = re.compile(rf"(?![\n\t]){CONTROL_CHARACTERS.pattern}")


def replace_control_characters(text: str) -> str:
    """The text, with a mark in place of each character that a terminal would obey."""
    return CONTROL_CHARACTERS.sub("�", text)


class SafeStream:
    """A stream to which nothing is written that would be obeyed; else as the stream beneath."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.rich_proxied_file = stream
        """What Rich writes to, whose colours are meant: see `PlainConsole`."""

    def write(self, text: str) -> int:
        return self._stream.write(replace_control_characters(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream.writelines(map(replace_control_characters, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class SafeConsole(Console):
    """Rich's console, whose own colours are obeyed and nothing else."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Generator[Segment]:
        for segment in super().render(renderable, options):
            shown = segment.text if segment.control else replace_control_characters(segment.text)
            yield Segment(shown, segment.style, segment.control)

    def out(self, *objects: Any, sep: str = " ", end: str = "\n", **how: Any) -> None:
        """Print a text; what is no terminal obeys nothing, and is given every character."""
        if self.is_terminal:
            # Made visible first: Rich leaves out some of what a terminal would obey.
            super().out(
                *(replace_control_characters(str(told)) for told in objects),
                sep=sep,
                end=end,
                **how,
            )
        else:
            self.file.write(sep.join(map(str, objects)) + end)
            self.file.flush()


@contextmanager
def safe_output() -> Generator[None]:
    """Within it, what is printed is shown; what the terminal has no letter for, as a mark."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.stdout, sys.stderr = SafeStream(before[0]), SafeStream(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
