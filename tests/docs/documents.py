"""The documents of the repository, and the code blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(
    r"(?:<!-- (?:tape: (?P<tape>\S+)|pytest: (?P<tests>\S+)) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block: where it is, its code, and the tape that its program is answered from.

    A block with a `tests_folder` is a file of tests, which pytest runs beside that folder's files.

    `output` is what the block's program prints: the `text` block that follows it, if there is one
    with nothing but a sentence in between.
    """

    document: Path
    line: int
    language: str
    code: str
    tape: Path | None
    tests_folder: Path | None = None
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def list_documents() -> list[Path]:
    """The documents that a person reads: README, CONTRIBUTING, AGENTS and all of `docs/`."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md")]
    return [*top, ROOT / "patches" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_blocks(document: Path) -> list[CodeBlock]:
    """The fenced blocks of one document, in order."""
    return list(_with_output(document, document.read_text("utf-8")))


def tracing_block() -> CodeBlock:
    """The block of the README that traces a program."""
    return next(
        block for block in code_blocks(ROOT / "README.md") if "enable_tracing" in block.code
    )


def _with_output(document: Path, text: str) -> Iterator[CodeBlock]:
    matches = list(BLOCK.finditer(text))
    for match, following in zip_longest(matches, matches[1:]):
        output = None
        if following and following["language"] == "text":
            between = text[match.end() : following.start()].strip()
            if match["language"] == "python" and between.count("\n") == 0 and "#" not in between:
                output = following["code"]
        yield CodeBlock(
            document,
            text.count("\n", 0, match.start("code")),
            match["language"],
            re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE),
            ROOT / match["tape"] if match["tape"] else None,
            ROOT / match["tests"] if match["tests"] else None,
            output,
        )
