"""Find where a field's name and value begin and end in a text: JSON, code, headers, commands."""

import re

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
    r"|subscription|ssh|auth) keys?|mot de passe)\Z"
)
""""API key: …", without quotes."""
SEPARATOR_PATTERN = re.compile(
    r"\\{0,16}[\"'`]?\*{0,2}\x01{0,16}\s{0,8}(?:=>|:=|={1,3}|:)\*{0,2}\s{0,8}"
    r"(?:!!\w{1,12}\s|[|>][+-]?[ \t]{0,4}\n\s{1,16})?"
    r"(?:(?:Secret(?:Str|Bytes)(?=\([bru]?[\"']))?[\[(](?!redacted: )\s{0,8})?"
    r"(?:[bru]?(?P<open>\\{0,16}(?:\"{3}|'{3}|[\"'`])))?"
)
"""The text between a name and its value, including the opening quote of the value: in JSON, code,
Markdown (`**Password:** x`) and YAML (`password: |`, then a line)."""
NAME_KEY_PATTERN = re.compile(r"(?i:name|key)\\{0,16}[\"']?\s{0,4}[:=]\s{0,4}\\{0,16}[\"']?\Z")
VALUE_KEY_PATTERN = re.compile(
    r"\\{0,16}[\"']?,?\s{1,32}\\{0,16}[\"']?(?i:value)\\{0,16}[\"']?\s{0,4}[:=]\s{0,4}"
    r"[bru]?(?P<open>\\{0,16}[\"'])?(?![\[{\s])"
)
"""The text before a name, and after it, where both have a key: `name="api_key" value="…"`."""
STRUCTURE_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}:\s{0,8}[\[{]")
"""The text between a name and a list or a mapping of values."""
LISTED_NAME_PATTERN = re.compile(r"\\{0,16}[\"']\s{0,8}[,}\])]")
"""The text after a name that is itself a value: {"name": "api_key", "value": …}."""
LISTED_VALUE_KEY = b"value"
"""The key of the secret in such a structure."""
BARE_VALUE_PATTERN = re.compile(rf"[^\s\"'\\,;&<>(){{}}\[\]]{{1,{MAX_VALUE_CHARS}}}+")
LINE_VALUE_PATTERN = re.compile(rf"[^\r\n\"'\\]{{1,{MAX_VALUE_CHARS}}}+")
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
    r"|when|which|used|use|see|must|should|may|can|to|of|in|from|or|and|minimum|maximum|at|both"
    r"|access|try|click|field|please|bitte|erforderlich|obligatoire|obligatori[oa]|set|unset|no|yes"
    r"|on|off|enabled|disabled|protected|read|write|she|he|they|we|you|it"
)
CODE_VALUE = re.compile(
    rf"(?i:{TYPE_NAMES})[?!|.,;:]?|\$(?:[A-Za-z_]\w*)?|%(?:\w+%?)?|<\S+>?|\*+|x+|X+|\.{{3}}|…|[-~]"
    r"|!(?:vault|secret|Ref|Sub|GetAtt|ENV|env|env_var)"
    r"|(?:self|cls|this|os|sys|process|env|config|cfg|settings|args|options|opts|kwargs|request|req"
    r"|user|data|params|secrets|vault|getpass|form|body|ctx|context|state|session|credentials?|client)"
    r"\.[A-Za-z_][\w.]*"
)
"""Unquoted values of code: types, variables, and words for a value that is elsewhere."""
PLACEHOLDER_VALUE = re.compile(
    r"(?i:(?:(?:bearer|basic|token)\s+)?(?:"
    r"(?:your|insert|enter|replace)[-_ ](?:[a-z]+[-_ ]){0,5}[a-z]+|(?:[a-z]+[-_])+here"
    r"|change[-_ ]?(?:me|it|this)|(?:[a-z]{2,6}[-_])?(?:x{3,}|\*{3,}|\.{3}|…|•{3,})"
    r"|<[^<>\n]{1,64}>|\[[a-z ]{1,32}\]|\{\{[^{}\n]{1,99}\}\}|\$\{\{?[^{}\n]{1,99}\}?\}"
    r"|(?-i:\$[A-Z_]{2}[A-Z0-9_]*)|%\w+%|%\(\w+\)s|\{\w+\}"
    r"|string|str|redacted|masked|hidden|n/?a|empty|dummy|placeholder|ollama"
    r"|not[-_ ]?(?:needed|required|used|set)|inherit|include|same-origin|omit"
    r"|(?-i:(?:env:|os\.environ/)[A-Z0-9_]+)|vault:\S+/\S+|op://\S+|arn:aws:secretsmanager:\S+))"
)
"""Values that are no secrets whatever their field: examples, references, masks, `secrets: inherit`,
`credentials: "include"`."""


def find_name(text: str, position: int) -> tuple[int, int]:
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


def match_option_separator(text: str, name: str, end: int) -> re.Match[str] | None:
    """The text after the name of an option: `--password X`."""
    return OPTION_SEPARATOR_PATTERN.match(text, end) if name.startswith("--") else None


def match_item_separator(text: str, name: str, start: int, end: int) -> re.Match[str] | None:
    """The text after an option or a header in a list: ["--password", "X"], ("x-api-key", "X")."""
    plain = name.lower().replace("-", "").replace("_", "")
    is_header = (plain in HEADER_NAMES or name.lower().startswith("x-")) and re.search(
        r"[\[(]\s{0,4}[bru]?\\{0,16}[\"']\Z", text[max(0, start - 24) : start]
    )
    if is_header or name.startswith("--"):
        return ITEM_SEPARATOR_PATTERN.match(text, end)
    return None


def is_code(text: str, separator: re.Match[str], name: str) -> bool:
    """Return whether an unquoted value is a type, a variable, a call, or a word like `required`."""
    value = BARE_VALUE_PATTERN.match(text, separator.end())
    if value is None:
        return text[separator.end() : separator.end() + 1] in ("{", "<")
    word = value.group()
    is_call = text[value.end() : value.end() + 1] in ("(", "[") and re.fullmatch(r"[\w.]+", word)
    if "==" in separator.group() and re.fullmatch(r"[A-Za-z_][\w.]*:?", word):
        return True
    if re.fullmatch("[A-Z][A-Za-z]+", word) and re.match(r"\s?=\s", text[value.end() :][:3]):
        return True
    last_part = word.rpartition(".")[2].rstrip(",;")
    is_same_name = last_part.lower() in (name.lower(), name.lower().rpartition(".")[2])
    return bool(is_call or is_same_name or CODE_VALUE.fullmatch(word))


def find_value_end(text: str, separator: re.Match[str], name: str) -> int:
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


def _match_end(match: re.Match[str] | None) -> int:
    """The end of a match of an expression that also matches the empty text."""
    return 0 if match is None else match.end()
