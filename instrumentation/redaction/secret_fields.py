"""Find the values of secret fields, such as `api_key` or `password`, by the name of the field."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

from instrumentation.redaction.pattern import looks_random
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
SEARCH_WORDS = (b"key", b"pass", b"pwd", b"secret", b"authorization", b"cookie",
         b"credential", b"cvv", b"cvc", b"ssn", b"token")  # fmt: skip
"""Words to search for first: each name above contains one of them."""
LINE_VALUE_HEADERS = ("authorization", "cookie")
"""Headers whose value is the rest of the line."""
MAX_NAME_CHARS = 64
MAX_VALUE_CHARS = 4096
"""How much of a value is redacted if its end is not found."""
NAME_PATTERN = re.compile(rf"[\w.-]{{0,{MAX_NAME_CHARS}}}+")
QUOTED_NAME_PATTERN = re.compile(rf"[\w. -]{{0,{MAX_NAME_CHARS}}}+")
"""A name between quotes may contain spaces: {"API key": …}."""
TWO_WORD_NAME = re.compile(
    r"(?i).*?\b(?P<name>(?:api|access|secret|private|signing|encryption|account|master|shared"
    r"|subscription|ssh|auth) keys?)\Z"
)
""""API key: …", without quotes."""
SEPARATOR_PATTERN = re.compile(
    r"\\{0,16}[\"']?\s{0,8}(?:=>|[:=])\s{0,8}(?:[\[(](?!redacted: )\s{0,8})?"
    r"(?:[bru]?(?P<open>\\{0,16}[\"']))?"
)
"""The text between a name and its value, including the opening quote of the value."""
STRUCTURE_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}:\s{0,8}[\[{]")
"""The text between a name and a list or a mapping of values."""
LISTED_NAME_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}[,}\])]")
"""The text after a name that is itself a value: {"name": "api_key", "value": …}."""
LISTED_VALUE_KEY = b"value"
"""The key of the secret in such a structure."""
BARE_VALUE_PATTERN = re.compile(rf"[^\s\"'\\,;&<>(){{}}\[\]]{{1,{MAX_VALUE_CHARS}}}+")
LINE_VALUE_PATTERN = re.compile(rf"[^\r\n\"'\\]{{1,{MAX_VALUE_CHARS}}}+")
OPAQUE_VALUE_PATTERN = re.compile(
    r"(?=\S*?\d)(?![\d_.,+-]*\Z)[\w.~+/=-]{8,}|[\w.~+/=-]{20,}", re.ASCII
)
"""Not a number: `max_token: 100000000`."""
PASS_NAME = re.compile(r"[A-Z0-9_]*PASS|.*[a-z]Pass|(?i:.*[_.-]pass|pass)")
"""Names of a password that end in a word which is also a plain one: `DB_PASS`."""
PASS_VALUE = re.compile(r"(?=\S*[^\W\d_])(?=\S*[\d\W])\S{4,}")
OPTION_SEPARATOR_PATTERN = re.compile(r"[ \t]{1,4}(?!-)(?P<open>\\{0,16}[\"'])?")
"""The text between an option of a command and its value: `--password X`."""
ITEM_SEPARATOR_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,4},\s{0,4}[bru]?(?P<open>\\{0,16}[\"'])")
"""The text between two items of a list of texts."""
HEADER_NAMES = frozenset({"authorization", "cookie", "setcookie", "proxyauthorization", "apikey"})
"""Names that only headers have, in a pair of name and value; others begin with `x-`."""
TYPE_NAMES = (
    r"str|bytes|string|int|float|bool|boolean|any|object|dict|list|number|unknown|undefined|nil|never"
    r"|char|varchar|text|secretstr|optional|union|literal|sequence|required|missing|invalid|incorrect"
    r"|wrong|expired|hidden|masked|forgotten|redacted|the|a|an|your|my|this|that|is|was|not|for|if"
    r"|when|which|used|see|must|should|may|can|to|of|in|from|or|and"
)
CODE_VALUE = re.compile(
    rf"(?i:{TYPE_NAMES})[?!|.,;:]?|\$(?:[A-Za-z_]\w*)?|%(?:\w+%?)?|<\S+>?|\*+|x+|X+|\.{{3}}|…"
    r"|(?:self|cls|this|os|sys|process|env|config|cfg|settings|args|options|opts|kwargs|request|req"
    r"|user|data|params|secrets|vault|getpass|form|body|ctx|context|state|session|credentials?|client)"
    r"\.[A-Za-z_][\w.]*"
)
"""Unquoted values of code: types, variables, and words for a value that is elsewhere."""
PATH_VALUE = re.compile(r"[/~].*|[A-Za-z]:(?:[\\/].*)?", re.DOTALL)
FOLDER_NAMES = ("pwd", "oldpwd")
"""Names of a password, or of the shell's folder."""
SECRET_LIKE_VALUE = "x1" * 10
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
        if certain and plain.endswith("pass") and PASS_NAME.fullmatch(name.strip("-")):
            return value is not None and (name.isupper() or bool(PASS_VALUE.fullmatch(value)))
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
                    and (_is_code(text, separator, name) or _is_prose(name, separator, value))
                )
            ):
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
                start, end = _name_range(text, position)
                position = lower.find(word, max(end, position + 1))
                separator, is_listed = SEPARATOR_PATTERN.match(text, end), False
                name = text[start:end]
                if separator is None and text[end : end + 1] in (" ", "\t"):
                    separator = _option_separator(text, name, end)
                elif separator is None and LISTED_NAME_PATTERN.match(text, end):
                    separator = _item_separator(text, name, start, end)
                    is_listed = LISTED_VALUE_KEY in lower
                if separator or is_listed:
                    if name not in may_be_secret:
                        may_be_secret[name] = self.is_secret(name, SECRET_LIKE_VALUE)
                    if may_be_secret[name]:
                        yield end, name, separator


def _name_range(text: str, position: int) -> tuple[int, int]:
    """Return the start and the end of the name that contains the word at a position.

    A name has several words if it is quoted, or if only both together are the name of a secret.
    """
    before = text[max(0, position - MAX_NAME_CHARS) : position][::-1]
    start = position - _match_end(NAME_PATTERN.match(before))
    end = _match_end(NAME_PATTERN.match(text, position))
    if " " in (text[start - 1 : start], text[end : end + 1]):
        quoted_start = position - _match_end(QUOTED_NAME_PATTERN.match(before))
        quoted_end = _match_end(QUOTED_NAME_PATTERN.match(text, position))
        is_quoted = text[quoted_start - 1 : quoted_start] in ('"', "'")
        if is_quoted and text[quoted_end : quoted_end + 1] in ('"', "'", "\\"):
            return quoted_start, quoted_end
        if two_words := TWO_WORD_NAME.match(text[quoted_start:end]):
            return quoted_start + two_words.start("name"), end
    return start, end


def _is_prose(name: str, separator: re.Match[str], value: str) -> bool:
    """Return whether a value after a name of two words is a plain word: `API key: see below`."""
    is_quoted = separator.group().startswith(("\\", '"', "'"))
    return " " in name and not is_quoted and OPAQUE_VALUE_PATTERN.fullmatch(value) is None


def _option_separator(text: str, name: str, end: int) -> re.Match[str] | None:
    """The text after the name of an option: `--password X`."""
    return OPTION_SEPARATOR_PATTERN.match(text, end) if name.startswith("--") else None


def _item_separator(text: str, name: str, start: int, end: int) -> re.Match[str] | None:
    """The text after an option or a header in a list: ["--password", "X"], ("x-api-key", "X")."""
    plain = name.lower().replace("-", "").replace("_", "")
    is_header = (plain in HEADER_NAMES or name.lower().startswith("x-")) and re.search(
        r"[\[(]\s{0,4}[bru]?\\{0,16}[\"']\Z", text[max(0, start - 24) : start]
    )
    if is_header or name.startswith("--"):
        return ITEM_SEPARATOR_PATTERN.match(text, end)
    return None


def _is_code(text: str, separator: re.Match[str], name: str) -> bool:
    """Return whether an unquoted value is a type, a variable, a call, or a word like `required`."""
    value = BARE_VALUE_PATTERN.match(text, separator.end())
    if value is None:
        return text[separator.end() : separator.end() + 1] in ("{", "<")
    word = value.group()
    is_call = text[value.end() : value.end() + 1] in ("(", "[") and re.fullmatch(r"[\w.]+", word)
    last_part = word.rpartition(".")[2].rstrip(",;")
    is_same_name = last_part.lower() in (name.lower(), name.lower().rpartition(".")[2])
    return bool(is_call or is_same_name or CODE_VALUE.fullmatch(word))


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
