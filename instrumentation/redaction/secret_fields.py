"""Find the values of secret fields, such as `api_key` or `password`, by the name of the field."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from instrumentation.redaction.searchable_text import Match, SearchableText, WordSearch

CERTAIN_SUFFIXES = (
    "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "accountkey",
    "masterkey", "sharedkey", "subscriptionkey", "sshkey", "authkey", "password", "passwd",
    "passwort", "passphrase", "pwd", "secret", "authorization", "cookie", "credential", "cvv",
    "cvc", "ssn",
)  # fmt: skip
"""How names of secrets end: in lower case, without `_`, `-`, `.` and a plural s."""
LIKELY_SUFFIXES = ("token",)
"""How names end whose value is a secret only if it looks like one: models have tokens, too."""
SEARCH_WORDS = (b"key", b"passw", b"passphrase", b"pwd", b"secret", b"authorization", b"cookie",
         b"credential", b"cvv", b"cvc", b"ssn", b"token")  # fmt: skip
"""Words to search for first: each name above contains one of them."""
LINE_VALUE_HEADERS = ("authorization", "cookie")
"""Headers whose value is the rest of the line."""
MAX_NAME_CHARS = 64
MAX_VALUE_CHARS = 4096
"""How much of a value is redacted if its end is not found."""
NAME_PATTERN = re.compile(rf"[\w.-]{{0,{MAX_NAME_CHARS}}}+")
SEPARATOR_PATTERN = re.compile(
    r"\\{0,16}[\"']?\s{0,8}(?:=>|[:=])\s{0,8}(?:[\[(](?!redacted: )\s{0,8})?"
    r"(?:[bru]?(?P<open>\\{0,16}[\"']))?"
)
"""The text between a name and its value, including the opening quote of the value."""
LISTED_NAME_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}[,}\])]")
"""The text after a name that is itself a value: {"name": "api_key", "value": …}."""
BARE_VALUE_PATTERN = re.compile(rf"[^\s\"'\\,;&<>(){{}}\[\]]{{1,{MAX_VALUE_CHARS}}}+")
LINE_VALUE_PATTERN = re.compile(rf"[^\r\n\"'\\]{{1,{MAX_VALUE_CHARS}}}+")
OPAQUE_VALUE_PATTERN = re.compile(r"(?=\S*?\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,}")
SECRET_LIKE_VALUE = "x" * 20
EMPTY_VALUES = frozenset({"", "none", "null", "true", "false"})


@dataclass(frozen=True)
class SecretFields:
    """The names of secret fields.

    Attributes:
        certain_suffixes: How the names of secrets end, written like `CERTAIN_SUFFIXES`.
        likely_suffixes: How names end whose value is secret only if it looks like a secret.
        search_words: Lower-case words of which each such name contains one.
        name: The name for the placeholder: `[redacted: name]`.
    """

    certain_suffixes: tuple[str, ...] = CERTAIN_SUFFIXES
    likely_suffixes: tuple[str, ...] = LIKELY_SUFFIXES
    search_words: tuple[bytes, ...] = SEARCH_WORDS
    name: str = "secret"

    def is_secret(self, name: str, value: str | None = None) -> bool:
        """Return whether a field of this name, or with this name and value, holds a secret."""
        plain = name.lower().replace("_", "").replace("-", "").replace(" ", "")
        certain = self.certain_suffixes
        if plain.endswith(certain) or plain.rstrip("s").endswith(certain):
            return True
        if value is None or not plain.endswith(self.likely_suffixes):
            return False
        return OPAQUE_VALUE_PATTERN.fullmatch(value.strip("\"'")) is not None

    @cached_property
    def _search(self) -> WordSearch:
        return WordSearch(self.search_words)

    def find_matches(self, searchable: SearchableText, placeholder_prefix: str) -> Iterator[Match]:
        """Find the values of secret fields in a text: in JSON, code, headers and forms.

        A match of length 0 means that a value is a structure, or is elsewhere in one.

        Args:
            searchable: The text.
            placeholder_prefix: How a value begins that is redacted already.
        """
        text, covered_until = searchable.text, 0
        for end, name, separator in sorted(self._find_names(searchable), key=itemgetter(0)):
            if end < covered_until:
                continue
            if separator is None:
                start = covered_until = end
            else:
                start, covered_until = separator.end(), _value_end(text, separator, name)
            if text.startswith(placeholder_prefix, start):
                continue
            value = text[start:covered_until]
            if not value:
                yield Match(end, end, self.name)
            elif value.lower() not in EMPTY_VALUES and self.is_secret(name, value):
                yield Match(start, covered_until, self.name)
            else:
                covered_until = start

    def _find_names(
        self, searchable: SearchableText
    ) -> Iterator[tuple[int, str, re.Match[str] | None]]:
        """Yield each possibly secret name: its end, the name, and the separator after it."""
        text, lower = searchable.text, searchable.lower
        may_be_secret: dict[str, bool] = {}
        for word in self._search.find_in(lower):
            position = lower.find(word)
            while position >= 0:
                end = _match_end(NAME_PATTERN.match(text, position))
                separator = SEPARATOR_PATTERN.match(text, end)
                if separator is not None or LISTED_NAME_PATTERN.match(text, end):
                    before = text[max(0, position - MAX_NAME_CHARS) : position][::-1]
                    name = text[position - _match_end(NAME_PATTERN.match(before)) : end]
                    if name not in may_be_secret:
                        may_be_secret[name] = self.is_secret(name, SECRET_LIKE_VALUE)
                    if may_be_secret[name]:
                        yield end, name, separator
                position = lower.find(word, end)


def _match_end(match: re.Match[str] | None) -> int:
    """The end of a match of an expression that also matches the empty text."""
    return 0 if match is None else match.end()


def _value_end(text: str, separator: re.Match[str], name: str) -> int:
    """The end of the value that begins after the separator."""
    start, quote = separator.end(), separator["open"]
    if quote is None:
        is_line = name.lower().endswith(LINE_VALUE_HEADERS)
        value = (LINE_VALUE_PATTERN if is_line else BARE_VALUE_PATTERN).match(text, start)
        return value.end() if value else start
    limit = start + MAX_VALUE_CHARS
    close = text.find(quote, start, limit)
    while close > 0 and text[close - 1] == "\\" and close > start:
        close = text.find(quote, close + 1, limit)
    return close if close >= 0 else min(len(text), limit)
