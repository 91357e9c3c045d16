"""Find the values of secret fields, such as `api_key` or `password`, by the name of the field."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from instrumentation.redaction.chunks import PLACEHOLDER_PREFIX
from instrumentation.redaction.field_syntax import (
    LISTED_NAME_PATTERN,
    LISTED_VALUE_KEY,
    NAME_KEY_PATTERN,
    PLACEHOLDER_VALUE,
    SEPARATOR_PATTERN,
    STRUCTURE_PATTERN,
    VALUE_KEY_PATTERN,
    find_name,
    find_value_end,
    is_code,
    match_item_separator,
    match_option_separator,
)
from instrumentation.redaction.pattern import looks_random
from instrumentation.redaction.searchable_text import Match, SearchableText, WordSearch

CERTAIN_SUFFIXES = (
    "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "accountkey",
    "masterkey", "sharedkey", "subscriptionkey", "sshkey", "authkey", "password", "passwd",
    "passwort", "kennwort", "wachtwoord", "motdepasse", "contraseña", "contrasena", "senha",
    "passphrase", "pwd", "secret", "authorization", "cookie", "credential", "cvv",
    "cvc",
)  # fmt: skip
"""How names of secrets end: in lower case, without `_`, `-`, `.` and a plural s."""
LIKELY_SUFFIXES = ("token", "sessid", "jsessionid")
"""How names end whose value is a secret only if it looks like one: models have tokens, too."""
SEARCH_WORDS = (
    b"key", b"pass", b"pwd", b"secret", b"authorization", b"cookie", b"credential", b"cvv", b"cvc",
    b"token", b"pw", b"kennwort", b"wachtwoord", b"contrase", b"senha", b"sessid", b"jsessionid",
)  # fmt: skip
"""Words to search for first: each name above contains one of them."""
OPAQUE_VALUE_PATTERN = re.compile(
    r"(?!\w+://)(?=\S*?\d)(?![\d_.,:+-]*\Z)[\w.~+/=:-]{8,}|[\w.~+/=-]{20,}", re.ASCII
)
"""Not a number: `max_token: 100000000`."""
PASS_NAME = re.compile(r"[A-Z0-9_]*PASS|.*[a-z]P(?:ass|w)|(?i:.*[_.-](?:pass|pw)|pass|pw)")
"""Names of a password that end in a word which is also a plain one: `DB_PASS`."""
PASS_VALUE = re.compile(r"(?=\S*[^\W\d_])(?=\S*[\d\W])\S{4,}")
PATH_VALUE = re.compile(r"[/~].*|[A-Za-z]:(?:[\\/].*)?", re.DOTALL)
FOLDER_NAMES = ("pwd", "oldpwd")
"""Names of a password, or of the shell's folder."""
SECRET_LIKE_VALUE = "x1" * 10
MCP_WORDS = (b"mcp", b"headers")
MCP_SERVER = re.compile(r"type\\*[\"']\s*:\s*\\*[\"']mcp\\*[\"']")
"""The definition of an MCP server, whose headers are secrets, whatever their names."""
HEADERS_START = re.compile(r"headers\\*[\"']\s*:\s*\{")
HEADER = re.compile(
    r"[\s,]*(?P<open>\\*[\"'])(?:(?!(?P=open))(?:\\.|[^\\]))*(?P=open)\s*:\s*"
    r"(?P<quote>\\*[\"'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*)(?:(?P=quote)|\Z)",
    re.DOTALL,
)
PROSE_NAME = re.compile(r"(?i:secrets?|cookies?)")
PHRASE_START = re.compile(
    r"(?i)(?<![\w-])(?!(?:api|app|auth|client|consumer|db|jwt|oauth|session|shared|signing|user|webhook)"
    r"\s)[a-z'’]+ \Z"
)
"""The words before a name that is a part of a sentence: `Her secret: …`."""
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
        if certain and plain.endswith(("pass", "pw")) and PASS_NAME.fullmatch(name.strip("-")):
            return value is not None and (
                name.endswith("PASS") or bool(PASS_VALUE.fullmatch(value))
            )
        if value is not None and PLACEHOLDER_VALUE.fullmatch(value):
            return False
        if plain in FOLDER_NAMES and value is not None and PATH_VALUE.fullmatch(value):
            return False
        if plain.endswith(certain) or plain.rstrip("s").endswith(certain):
            return True
        if value is None or not plain.endswith(self.likely_suffixes):
            return False
        opaque = value.strip("\"'")
        has_digit = any(character.isdigit() for character in opaque)
        return OPAQUE_VALUE_PATTERN.fullmatch(opaque) is not None and (
            has_digit or looks_random(opaque) or opaque.isalpha()
        )

    @cached_property
    def _search(self) -> WordSearch:
        return WordSearch(self.search_words)

    def find_matches(self, searchable: SearchableText) -> Iterator[Match]:
        """Find the values of secret fields in a text: in JSON, code, headers and forms.

        A match of length 0 means that a value is a structure, or is elsewhere in one.
        """
        text, covered_until = searchable.text, 0
        if self.search_words and all(word in searchable.lower for word in MCP_WORDS):
            yield from self._find_mcp_headers(text)
        for end, name, separator in sorted(self._find_names(searchable), key=itemgetter(0)):
            if end < covered_until:
                continue
            if separator is None:
                start = covered_until = end
            else:
                start, covered_until = separator.end(), find_value_end(text, separator, name)
            if text.startswith(PLACEHOLDER_PREFIX, start):
                continue
            value = text[start:covered_until]
            is_structure = separator is not None and STRUCTURE_PATTERN.match(text, end)
            if not value or is_structure:
                yield Match(end, end, self.name)
            if not value:
                continue
            if (
                value.lower() not in EMPTY_VALUES
                and self.is_secret(name, value)
                and not (
                    separator
                    and separator["open"] is None
                    and (
                        is_code(text, separator, name)
                        or _is_prose(text[:end], name, separator, value)
                    )
                )
            ):
                yield Match(start, covered_until, self.name)
            else:
                covered_until = start

    def _find_mcp_headers(self, text: str) -> Iterator[Match]:
        """Find the values of the headers of MCP servers, also in a text that is cut off."""
        for start in HEADERS_START.finditer(text) if MCP_SERVER.search(text) else ():
            position = start.end()
            while header := HEADER.match(text, position):
                if header["value"] and not header["value"].startswith(PLACEHOLDER_PREFIX):
                    yield Match(*header.span("value"), self.name)
                position = header.end()

    def _find_names(
        self, searchable: SearchableText
    ) -> Iterator[tuple[int, str, re.Match[str] | None]]:
        """Yield each possibly secret name: its end, the name, and the separator after it."""
        text, lower = searchable.text, searchable.lower
        may_be_secret: dict[str, bool] = {}
        for word in self._search.find_in(lower):
            position = lower.find(word)
            while position >= 0:
                start, end = find_name(text, position)
                position = lower.find(word, max(end, position + 1))
                separator, is_listed = SEPARATOR_PATTERN.match(text, end), False
                if separator is None and (value := VALUE_KEY_PATTERN.match(text, end)):
                    is_name = NAME_KEY_PATTERN.search(text[max(0, start - 24) : start])
                    separator = value if is_name else None
                name = text[start:end]
                if separator is None and text[end : end + 1] in (" ", "\t"):
                    separator = match_option_separator(text, name, end)
                elif separator is None and LISTED_NAME_PATTERN.match(text, end):
                    separator = match_item_separator(text, name, start, end)
                    is_listed = LISTED_VALUE_KEY in lower
                if separator or is_listed:
                    if name not in may_be_secret:
                        may_be_secret[name] = self.is_secret(name, SECRET_LIKE_VALUE)
                    if may_be_secret[name]:
                        yield end, name, separator


def _is_prose(text_until_name: str, name: str, separator: re.Match[str], value: str) -> bool:
    """Return whether a value is a plain word: `API key: see below`, `The secret: patience`."""
    if PROSE_NAME.fullmatch(name) and value.replace(" ", "").isalpha():
        before = text_until_name[-len(name) - 24 : -len(name)]
        return name.lower().startswith("cookie") or PHRASE_START.search(before) is not None
    is_quoted = separator.group().startswith(("\\", '"', "'"))
    return " " in name and not is_quoted and OPAQUE_VALUE_PATTERN.fullmatch(value) is None
