"""The condition of a tape line, its key `when`: a regular expression with a time limit.

The pattern is written for Python's `re`. The search uses the package `regex`, because it can be
stopped: a pattern such as `(a|a)*$` takes exponential time.
"""

import re
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex  # type: ignore[import-untyped]  # it ships no annotations

SEARCH_TIMEOUT_S = 1.0
"""The time limit of one search. The conditions of the catalog take about 0.00002 s each."""
REPEAT_CHARACTERS = frozenset("*+?{")
"""A pattern without any of these cannot take long."""
LITERAL_BRACE = re.compile(
    r"""( \\N\{[^}]*\}                       # a character by its name
        | \\.                                # an escape
        | \[\^?\]?(?:\\.|[^\]\\])*\]         # a set
        | \{\d+(?:,\d*)?\} | \{,\d*\}        # a repeat
        ) | \{""",
    re.VERBOSE | re.DOTALL,
)
"""Matches a brace that is plain text, or (in group 1) a construct that may contain one."""


class SearchTimeoutError(Exception):
    """A search took longer than its time limit."""


@dataclass(frozen=True, eq=False)
class Condition:
    """A regular expression in which `^` and `$` match at every line.

    `groups` are the names of its named groups.
    """

    pattern: str
    groups: tuple[str, ...]
    _compiled: re.Pattern[str]

    @classmethod
    def compile(cls, pattern: str) -> "Condition":
        """Compile `pattern`; `ValueError` if `re` cannot, or warns about it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                compiled = re.compile(pattern, re.MULTILINE)
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(str(error)) from error
        return cls(pattern, tuple(compiled.groupindex), compiled)

    def search(self, text: str, timeout_s: float = SEARCH_TIMEOUT_S) -> "re.Match[str] | None":
        """Return the first match in `text`, or None; `SearchTimeoutError` after `timeout_s`."""
        if not REPEAT_CHARACTERS & set(self.pattern):
            return self._compiled.search(text)
        try:
            match: re.Match[str] | None = self._interruptible.search(text, timeout=timeout_s)
            return match
        except TimeoutError as error:
            raise SearchTimeoutError(
                f'the search for its "when" was stopped after {timeout_s:g} s in'
                f" {len(text)} characters; write the pattern without a repeat inside a repeat"
            ) from error

    @cached_property
    def _interruptible(self) -> "regex.Pattern[str]":
        # A brace that repeats nothing is plain text in `re`, but syntax in `regex`.
        plain = LITERAL_BRACE.sub(lambda found: found[1] or r"\{", self.pattern)
        return regex.compile(plain, regex.MULTILINE | regex.VERSION0)


@lru_cache(maxsize=4096)
def compile_condition(pattern: str) -> Condition:
    """Compile `pattern` once, even if many lines share it; `ValueError` if it is invalid."""
    return Condition.compile(pattern)
