"""Fields: names whose values are secrets whatever they look like, in texts and in structures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from instrumentation.redaction.anchor_search import AnchorSearch
from instrumentation.redaction.searchable_text import Match, SearchableText

CERTAIN_SUFFIXES = (
    "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "accountkey",
    "masterkey", "sharedkey", "subscriptionkey", "sshkey", "authkey", "password", "passwd",
    "passwort", "passphrase", "pwd", "secret", "authorization", "cookie", "credential", "cvv",
    "cvc", "ssn",
)  # fmt: skip
"""How the name of a secret ends, in lower case, without `_`, `-`, `.` and the s of many."""
LIKELY_SUFFIXES = ("token",)
"""How a name ends whose value is a secret where it looks like one: models have tokens too."""
SEARCH_WORDS = (b"key", b"passw", b"passphrase", b"pwd", b"secret", b"authorization", b"cookie",
         b"credential", b"cvv", b"cvc", b"ssn", b"token")  # fmt: skip
"""What is looked for first: each name above has one of these in it."""
LINE_VALUE_HEADERS = ("authorization", "cookie")
"""Headers, whose value is the rest of the line."""
MAX_NAME_CHARS = 64
MAX_VALUE_CHARS = 4096
"""How much of a name is read, and how much of a value goes whose end is not found."""
NAME_PATTERN = re.compile(rf"[\w.-]{{0,{MAX_NAME_CHARS}}}+")
SEPARATOR_PATTERN = re.compile(
    r"\\{0,16}[\"']?\s{0,8}(?:=>|[:=])\s{0,8}(?:[\[(](?!redacted: )\s{0,8})?"
    r"(?:[bru]?(?P<open>\\{0,16}[\"']))?"
)
"""What stands between a name and its value, up to the quote with which the value opens."""
LISTED_NAME_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}[,}\])]")
"""What follows a name that is a value itself: {"name": "api_key", "value": …}."""
BARE_VALUE_PATTERN = re.compile(rf"[^\s\"'\\,;&<>(){{}}\[\]]{{1,{MAX_VALUE_CHARS}}}+")
LINE_VALUE_PATTERN = re.compile(rf"[^\r\n\"'\\]{{1,{MAX_VALUE_CHARS}}}+")
OPAQUE_VALUE_PATTERN = re.compile(r"(?=\S*?\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,}")
SECRET_LIKE_VALUE = "x" * 20
EMPTY_VALUES = frozenset({"", "none", "null", "true", "false"})


@dataclass(frozen=True)
class SecretFields:
    """Names by how they end, as `SURE` and `LIKELY` are spelt; `name` is what their marks say."""

    certain_suffixes: tuple[str, ...] = CERTAIN_SUFFIXES
    likely_suffixes: tuple[str, ...] = LIKELY_SUFFIXES
    search_words: tuple[bytes, ...] = SEARCH_WORDS
    name: str = "secret"

    def is_secret(self, name: str, value: str | None = None) -> bool:
        """Whether what has this name is a secret; of one that may be, its value decides."""
        bare = name.lower().replace("_", "").replace("-", "").replace(" ", "")
        if bare.endswith(self.certain_suffixes) or bare.rstrip("s").endswith(self.certain_suffixes):
            return True
        if value is None or not bare.endswith(self.likely_suffixes):
            return False
        return OPAQUE_VALUE_PATTERN.fullmatch(value.strip("\"'")) is not None

    @cached_property
    def _anchors(self) -> AnchorSearch:
        return AnchorSearch(self.search_words)

    def find_matches(self, searchable: SearchableText, placeholder_prefix: str) -> Iterator[Match]:
        """Where the values of secret fields stand, as JSON, code, headers and forms spell them.

        A spot without a length says that a value is a structure, or stands elsewhere in one.
        """
        text, past = searchable.text, 0
        for end, name, apart in sorted(self._find_names(searchable), key=itemgetter(0)):
            if end < past:
                continue
            start, past = (
                (end, end) if apart is None else (apart.end(), _value_end(text, apart, name))
            )
            if text.startswith(placeholder_prefix, start):
                continue
            value = text[start:past]
            if not value:
                yield Match(end, end, self.name)
            elif value.lower() not in EMPTY_VALUES and self.is_secret(name, value):
                yield Match(start, past, self.name)
            else:
                past = start

    def _find_names(
        self, searchable: SearchableText
    ) -> Iterator[tuple[int, str, re.Match[str] | None]]:
        """Each name that may hide what follows it: where it ends, and what stands behind it."""
        text, folded = searchable.text, searchable.lower
        may_hide: dict[str, bool] = {}
        for word in self._anchors.find_in(folded):
            at = folded.find(word)
            while at >= 0:
                end = _match_end(NAME_PATTERN.match(text, at))
                apart = SEPARATOR_PATTERN.match(text, end)
                if apart is not None or LISTED_NAME_PATTERN.match(text, end):
                    length = _match_end(
                        NAME_PATTERN.match(text[max(0, at - MAX_NAME_CHARS) : at][::-1])
                    )
                    name = text[at - length : end]
                    if name not in may_hide:
                        may_hide[name] = self.is_secret(name, SECRET_LIKE_VALUE)
                    if may_hide[name]:
                        yield end, name, apart
                at = folded.find(word, end)


def _match_end(match: re.Match[str] | None) -> int:
    """Where the match of an expression ends that matches what is empty, too."""
    return 0 if match is None else match.end()


def _value_end(text: str, apart: re.Match[str], name: str) -> int:
    """Where the value ends that begins behind `apart`."""
    start, quote = apart.end(), apart["open"]
    if quote is None:
        bare = (
            LINE_VALUE_PATTERN if name.lower().endswith(LINE_VALUE_HEADERS) else BARE_VALUE_PATTERN
        ).match(text, start)
        return bare.end() if bare else start
    close, furthest = text.find(quote, start, start + MAX_VALUE_CHARS), start + MAX_VALUE_CHARS
    while close > 0 and text[close - 1] == "\\" and close > start:
        close = text.find(quote, close + 1, furthest)
    return close if close >= 0 else min(len(text), furthest)
