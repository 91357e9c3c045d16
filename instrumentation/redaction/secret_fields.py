"""Fields: names whose values are secrets whatever they look like, in texts and in structures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from instrumentation.redaction.anchor_search import Anchors
from instrumentation.redaction.searchable_text import Reading, Spot

SURE = (
    "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "accountkey",
    "masterkey", "sharedkey", "subscriptionkey", "sshkey", "authkey", "password", "passwd",
    "passwort", "passphrase", "pwd", "secret", "authorization", "cookie", "credential", "cvv",
    "cvc", "ssn",
)  # fmt: skip
"""How the name of a secret ends, in lower case, without `_`, `-`, `.` and the s of many."""
LIKELY = ("token",)
"""How a name ends whose value is a secret where it looks like one: models have tokens too."""
WORDS = (b"key", b"passw", b"passphrase", b"pwd", b"secret", b"authorization", b"cookie",
         b"credential", b"cvv", b"cvc", b"ssn", b"token")  # fmt: skip
"""What is looked for first: each name above has one of these in it."""
LINES = ("authorization", "cookie")
"""Headers, whose value is the rest of the line."""
NAME_CHARS = 64
VALUE_CHARS = 4096
"""How much of a name is read, and how much of a value goes whose end is not found."""
IN_NAME = re.compile(rf"[\w.-]{{0,{NAME_CHARS}}}+")
APART = re.compile(
    r"\\{0,16}[\"']?\s{0,8}(?:=>|[:=])\s{0,8}(?:[\[(](?!redacted: )\s{0,8})?"
    r"(?:[bru]?(?P<open>\\{0,16}[\"']))?"
)
"""What stands between a name and its value, up to the quote with which the value opens."""
LISTED = re.compile(r"\\{0,16}[\"']\s{0,8}[,}\])]")
"""What follows a name that is a value itself: {"name": "api_key", "value": …}."""
BARE = re.compile(rf"[^\s\"'\\,;&<>(){{}}\[\]]{{1,{VALUE_CHARS}}}+")
LINE = re.compile(rf"[^\r\n\"'\\]{{1,{VALUE_CHARS}}}+")
OPAQUE = re.compile(r"(?=\S*?\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,}")
LOOKS_SECRET = "x" * 20
NOTHING = frozenset({"", "none", "null", "true", "false"})


@dataclass(frozen=True)
class Fields:
    """Names by how they end, as `SURE` and `LIKELY` are spelt; `name` is what their marks say."""

    sure: tuple[str, ...] = SURE
    likely: tuple[str, ...] = LIKELY
    words: tuple[bytes, ...] = WORDS
    name: str = "secret"

    def hides(self, name: str, value: str | None = None) -> bool:
        """Whether what has this name is a secret; of one that may be, its value decides."""
        bare = name.lower().replace("_", "").replace("-", "").replace(" ", "")
        if bare.endswith(self.sure) or bare.rstrip("s").endswith(self.sure):
            return True
        if value is None or not bare.endswith(self.likely):
            return False
        return OPAQUE.fullmatch(value.strip("\"'")) is not None

    @cached_property
    def _anchors(self) -> Anchors:
        return Anchors(self.words)

    def spots(self, reading: Reading, mark: str) -> Iterator[Spot]:
        """Where the values of secret fields stand, as JSON, code, headers and forms spell them.

        A spot without a length says that a value is a structure, or stands elsewhere in one.
        """
        text, past = reading.text, 0
        for end, name, apart in sorted(self._named(reading), key=itemgetter(0)):
            if end < past:
                continue
            start, past = (end, end) if apart is None else (apart.end(), _past(text, apart, name))
            if text.startswith(mark, start):
                continue
            value = text[start:past]
            if not value:
                yield Spot(end, end, self.name)
            elif value.lower() not in NOTHING and self.hides(name, value):
                yield Spot(start, past, self.name)
            else:
                past = start

    def _named(self, reading: Reading) -> Iterator[tuple[int, str, re.Match[str] | None]]:
        """Each name that may hide what follows it: where it ends, and what stands behind it."""
        text, folded = reading.text, reading.folded
        may_hide: dict[str, bool] = {}
        for word in self._anchors.within(folded):
            at = folded.find(word)
            while at >= 0:
                end = _end(IN_NAME.match(text, at))
                apart = APART.match(text, end)
                if apart is not None or LISTED.match(text, end):
                    length = _end(IN_NAME.match(text[max(0, at - NAME_CHARS) : at][::-1]))
                    name = text[at - length : end]
                    if name not in may_hide:
                        may_hide[name] = self.hides(name, LOOKS_SECRET)
                    if may_hide[name]:
                        yield end, name, apart
                at = folded.find(word, end)


def _end(match: re.Match[str] | None) -> int:
    """Where the match of an expression ends that matches what is empty, too."""
    return 0 if match is None else match.end()


def _past(text: str, apart: re.Match[str], name: str) -> int:
    """Where the value ends that begins behind `apart`."""
    start, quote = apart.end(), apart["open"]
    if quote is None:
        bare = (LINE if name.lower().endswith(LINES) else BARE).match(text, start)
        return bare.end() if bare else start
    close, furthest = text.find(quote, start, start + VALUE_CHARS), start + VALUE_CHARS
    while close > 0 and text[close - 1] == "\\" and close > start:
        close = text.find(quote, close + 1, furthest)
    return close if close >= 0 else min(len(text), furthest)
