"""Rewrite a module's absolute imports and module paths, so that it works inside `flight_recorder`.

In the repository, packages are imported by their own names (`from instrumentation import …`). In
the installed package they are subpackages, because names such as `patches` would collide with a
user's own. The source is changed token by token; everything else keeps its bytes:

    from workflows.model import Model       →  from flight_recorder.workflows.model import Model
    "workflows.search_agent:SearchAgent"    →  "flight_recorder.workflows.search_agent:SearchAgent"
    "-m", "scenarios"                       →  "-m", "flight_recorder.scenarios"
    python -m scenarios list   (in a text)  →  flight-recorder list
"""

import io
import re
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass

IGNORED_TOKEN_TYPES = frozenset({tokenize.COMMENT, tokenize.NL})
"""Tokens between which a statement or an expression goes on."""
LINE_START_TOKEN_TYPES = frozenset(
    {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
)
TEXT_TOKEN_TYPES = frozenset(
    {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}  # Python 3.12
)


class ImportRewritingError(Exception):
    """An import has no equivalent with a prefix."""

    def __init__(self, path: str, line: int, module: str) -> None:
        super().__init__(
            f"{path}:{line}: `import {module}` would import the first part of the new name only;"
            f" write `from {module.rpartition('.')[0]} import {module.rpartition('.')[2]}`"
        )
        self.path, self.line, self.module = path, line, module


@dataclass(frozen=True)
class ImportRewriter:
    """Puts `prefix` before the modules of `packages`.

    Attributes:
        packages: The top-level packages that become subpackages.
        prefix: The name of the package that they become part of.
        command: The console command that replaces `python -m scenarios` in texts, or "".
    """

    packages: Collection[str]
    prefix: str
    command: str = ""

    def rewrite(self, source: str, path: str) -> str:
        """Return the source of a module with its imports and module paths rewritten.

        Raises:
            ImportRewritingError: The module has an import such as `import patches.patch`.
        """
        lines = source.splitlines(keepends=True)
        for token, text in reversed(list(self._changes(source, path))):
            (first, start), (last, end) = token.start, token.end
            head, tail = lines[first - 1][:start], lines[last - 1][end:]
            lines[first - 1 : last] = [f"{head}{text}{tail}"]
        return "".join(lines)

    def _changes(self, source: str, path: str) -> Iterator[tuple[tokenize.TokenInfo, str]]:
        """Each token to replace, with its new text."""
        tokens = [
            token
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type not in IGNORED_TOKEN_TYPES
        ]
        for index, token in enumerate(tokens):
            if token.type in TEXT_TOKEN_TYPES:
                text = self._rewrite_text(token.string, is_module=_follows_dash_m(tokens, index))
                if text != token.string:
                    yield token, text
            elif token.string in self.packages and _is_statement_start(tokens, index - 1):
                if tokens[index - 1].string == "from":
                    yield token, f"{self.prefix}.{token.string}"
                elif tokens[index - 1].string == "import":
                    yield from self._rewrite_import(tokens, index, path)

    def _rewrite_import(
        self, tokens: list[tokenize.TokenInfo], index: int, path: str
    ) -> Iterator[tuple[tokenize.TokenInfo, str]]:
        """`import patches` and `import patches.patch as patch`, as imports of the same names."""
        end = next(
            i for i in range(index, len(tokens)) if tokens[i].string in {"\n", "as", ",", ""}
        )
        if tokens[end].string == "as":
            yield tokens[index], f"{self.prefix}.{tokens[index].string}"
        elif end == index + 1 and tokens[end].string != ",":
            yield tokens[index - 1], f"from {self.prefix} import"
        else:
            module = "".join(token.string for token in tokens[index:end])
            raise ImportRewritingError(path, tokens[index].start[0], module)

    def _rewrite_text(self, text: str, *, is_module: bool) -> str:
        """A string literal, or a part of an f-string, with module paths and commands replaced."""
        names = "|".join(map(re.escape, self.packages))
        quote = r"""(?P<start>[rRbBuUfF]*(?:\"{3}|'{3}|"|')|^)"""
        tail = r"(?:[\w.]|\{\w+\})*(?::\w+)?"
        literal = re.fullmatch(
            rf"{quote}(?P<module>(?:{names})(?P<path>\.{tail})?)(?P<end>[\"']*)", text
        )
        if literal and (literal["path"] or is_module):
            return f"{literal['start']}{self.prefix}.{literal['module']}{literal['end']}"
        if self.command:
            text = re.sub(r"python -m scenarios(?![\w.])", self.command, text)
        text = re.sub(rf"(python -m )(?=(?:{names})\b)", rf"\1{self.prefix}.", text)
        return re.sub(
            rf"^([ \t]*from )(?=(?:{names})(?:\.\w+)* import )",
            rf"\1{self.prefix}.",
            text,
            flags=re.M,
        )


def _is_statement_start(tokens: list[tokenize.TokenInfo], index: int) -> bool:
    """Whether a statement begins at the token."""
    return index >= 0 and (
        index == 0
        or tokens[index - 1].type in LINE_START_TOKEN_TYPES
        or tokens[index - 1].string in {";", ":"}
    )


def _follows_dash_m(tokens: list[tokenize.TokenInfo], index: int) -> bool:
    """Whether the token is the next argument of a command after `-m`."""
    return index >= 2 and [token.string for token in tokens[index - 2 : index]] == ['"-m"', ","]
