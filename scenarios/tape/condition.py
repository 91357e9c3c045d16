"""A condition: a line's `when`, searched in a request, and given up where the search has no end.

It is spelt as Python's `re` has it, and searched by `regex`, which can be told when to stop: a
pattern as `(a|a)*$` tries more ways than there will ever be time for.
"""

import re
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex  # type: ignore[import-untyped]  # it ships no annotations

SEARCH_TIMEOUT_S = 1.0
"""How long a search may take. The conditions of the catalog take some 0.00002 s each."""
LITERAL_BRACE = re.compile(
    r"""( \\N\{[^}]*\}                       # a character by its name
        | \\.                                # an escape
        | \[\^?\]?(?:\\.|[^\]\\])*\]         # a set
        | \{\d+(?:,\d*)?\} | \{,\d*\}        # a repeat
        ) | \{""",
    re.VERBOSE | re.DOTALL,
)
"""A brace on its own, which none of these holds."""


REPEAT_CHARACTERS = frozenset("*+?{")
"""Without one of these no search is long."""


class SearchTimeoutError(Exception):
    """Raised when a search was given up, after `PATIENCE_S`."""


@dataclass(frozen=True, eq=False)
class Condition:
    """A regular expression in which `^` and `$` match at each line; `groups` are its named ones."""

    pattern: str
    groups: tuple[str, ...]
    _compiled: re.Pattern[str]

    @classmethod
    def compile(cls, pattern: str) -> "Condition":
        """The condition that `pattern` spells; `ValueError` if `re` cannot read it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                compiled = re.compile(pattern, re.MULTILINE)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(str(error)) from error
        return cls(pattern, tuple(compiled.groupindex), compiled)

    def search(self, text: str, timeout_s: float = SEARCH_TIMEOUT_S) -> "re.Match[str] | None":
        """Where it is found first in `text`; `Endless` if the search is not over in time."""
        if not REPEAT_CHARACTERS & set(self.pattern):
            return self._compiled.search(text)
        try:
            found: re.Match[str] | None = self._interruptible.search(text, timeout=timeout_s)
            return found
        except TimeoutError as error:
            raise SearchTimeoutError(
                f'its "when" came to no end: it was searched for {timeout_s:g} s in'
                f" {len(text)} characters; write it without a repeat within a repeat"
            ) from error

    @cached_property
    def _interruptible(self) -> "regex.Pattern[str]":
        # A brace that repeats nothing is a brace to `re`, and a word of its own to `regex`.
        plain = LITERAL_BRACE.sub(lambda found: found[1] or r"\{", self.pattern)
        return regex.compile(plain, regex.MULTILINE | regex.VERSION0)


@lru_cache(maxsize=4096)
def compile_condition(pattern: str) -> Condition:
    """The condition that `pattern` spells; many lines may share one."""
    return Condition.compile(pattern)
