"""Patterns of passwords in command lines, markup, SQL, sentences, URLs and encoded pairs."""

import base64
import binascii
import re

from instrumentation.redaction.pattern import RedactionPattern, looks_random

SECRET = r"(?P<secret>(?!\[redacted: )"
"""The beginning of the group that is redacted, unless it is already."""
VARIABLE = r"(?!(?:\$\{?\w+\}?|\{+[\w. ]+\}+|<[\w -]+>|%\(?\w+\)?s?%?)(?:[@\s\"'|;]|\Z))"
"""Ends the beginning, unless a variable follows: `$PASSWORD`."""
WORD = r"[^\s\"']{1,512})"
"""The rest of a group: a word of a command line."""
NAMED_SECRET = r"[\w.-]{0,64}(?:password|passwd|secret|api_?key|access_?key|token|_PASS)"
COMMAND_REGEXES = (
    (
        b"curl",
        r"curl\b(?:[^\n;|]|\\\n){0,300}?\s(?:-u|--user|-U|--proxy-user)(?:\s{1,4}|=)?"
        r"[\"']?[^\s:\"'|;]{0,64}:" + SECRET + VARIABLE + r"[^\s\"'|;]{1,512})",
    ),
    (b"curl", r"curl\b[^\n;|]{0,300}?\s(?:-b|--cookie)[\s\"'=]{1,4}[\w.-]{1,64}=" + SECRET + WORD),
    (b"sshpass", r"sshpass\s{1,4}-p\s{0,4}[\"']?" + SECRET + WORD),
    (b"mysql", r"mysql(?:dump|admin)?\b[^\n;|]{0,200}?\s-p[\"']?" + SECRET + r"[^\s\"'-]{1,512})"),
    (
        b"login",  # docker, podman, helm
        r"login\b[^\n;|]{0,200}?\s-p\s{1,4}[\"']?" + SECRET + r"[^\s\"'-][^\s\"']{3,512})",
    ),
    (
        b"machine",  # .netrc
        r"machine\s{1,4}\S{1,256}\s{1,4}login\s{1,4}\S{1,256}\s{1,4}password\s{1,4}"
        + SECRET
        + r"\S{1,512})",
    ),
    (b"redis-cli", r"redis-cli\b[^\n;|]{0,200}?\s-a\s{1,4}[\"']?" + SECRET + WORD),
    (
        b"openssl",
        r"openssl\b[^\n;|]{0,200}?\s(?:-k\s{1,4}|-pass(?:in|out)?\s+pass:)" + SECRET + WORD,
    ),
    (b"zip -", r"zip\b[^\n;|]{0,200}?\s-P\s{0,4}[\"']?" + SECRET + WORD),
    (b"ldap", r"ldap\w+\b[^\n;|]{0,200}?\s-w\s{1,4}[\"']?" + SECRET + WORD),
    (b"http ", r"http [^\n;|]{0,200}?-a\s{1,4}[\"']?[^\s:]{1,64}:" + SECRET + WORD),
    (b"sqlplus", r"sqlplus\b[^\n;|/]{0,99}\s\w{1,64}/" + SECRET + r"[^\s\"'@/]{1,512})(?=@)"),
    (b"oracle:thin:", r"oracle:thin:\w{1,64}/" + SECRET + r"[^\s\"'@/]{1,512})(?=@)"),
    *(
        (start, rf"(?i:{start.decode()}{NAMED_SECRET})\s{{1,4}}[\"']?{SECRET}{WORD}")
        for start in (b"env ", b"setx ", b"setenv ", b"configure set ", b"git config ")
    ),
)
"""A program, and the option in which its command line has a password."""
COMMANDS = tuple(
    RedactionPattern("password", rf"(?<!\w){regex}", (program,))
    for program, regex in COMMAND_REGEXES
)
XML_NAMES = ("password", "passwd", "passphrase", "secret", "apikey", "api_key", "token")
XML_PASSWORD = RedactionPattern(
    "password",
    r"(?i)(?:password|passwd|passphrase|secret|api_?key|access_?token)"
    r"(?:(?:[\\\"'\s][^<>\n]{0,99})?>|</key>\s{0,32}<string>)(?:<!\[CDATA\[)?"
    + SECRET
    + r"[^<>\]]{1,512})(?:\]\]>)?</",
    tuple(name.encode() for name in XML_NAMES),
    match_length=lambda value: 0 if value.strip()[-1:] in ("", ":") else len(value),
)
"""An element of XML, with or without attributes, in which it may be named."""
SQL_PASSWORD = RedactionPattern(
    "password",
    r"(?:IDENTIFIED BY|(?i:(?:with|encrypted|login) password))\s{1,4}'"
    + SECRET
    + r"[^'\n]{1,512})'",
    (b"identified by", b"with password", b"encrypted password", b"login password"),
)
SPOKEN_WORDS = (
    *("password", "passphrase", "passcode", "passwort", "kennwort", "mot de passe"),
    *("wachtwoord", "contrase", "pwd"),
)
SPOKEN_KEYS = tuple(
    f"{kind}{space}{word}"
    for kind in ("api", "access", "secret", "private")
    for word in ("key", "token")
    for space in " _"
)
MIXED_WORD = r"(?=[^\s\"'`]*\d)(?=[^\s\"'`]*[A-Za-z])[^\s\"'`,;]{6,512})"
SPOKEN_PASSWORDS = (
    RedactionPattern(
        "password",
        rf"(?i)(?:{'|'.join(SPOKEN_WORDS).replace('contrase', 'contrase.{1,6}a')}"
        rf"|{'|'.join(SPOKEN_KEYS)}|secret)"
        r"\s{1,4}(?:is|was|ist|lautet|est|es|é|=>|->|→|-|–)\s{0,4}[:\"'`]{0,2}"
        + SECRET
        + MIXED_WORD,
        tuple(word.encode() for word in (*SPOKEN_WORDS, *SPOKEN_KEYS, "secret")),
    ),
    RedactionPattern(
        "password",
        rf"(?<![\w-])(?i:{'|'.join(SPOKEN_WORDS[:6])}|pwd)('s|\s{{1,4}})\s{{0,4}}[\"'`]?"
        + SECRET
        + r"(?!(?i:sha|md5|bcrypt|argon|base64|utf|oauth|pbkdf|v\d)|\w+://|[/~\\$]|\d+-|[\w-]*_)"
        + MIXED_WORD,
        tuple(word.encode() for word in SPOKEN_WORDS),
    ),
)
"""A password in a sentence, if it has letters and digits: `the password is required` has none."""
SPOKEN_TOKEN = RedactionPattern(
    "token",
    r"(?i)(?<![\w-])token\s{1,4}[\"'`]?" + SECRET + r"(?=[\w-]{0,99}\d)[\w-]{16,512})",
    (b"token",),
    match_length=lambda value: len(value) if looks_random(value) else 0,
)
DIGEST = RedactionPattern(
    "password", r'response=\\{0,16}"(?P<secret>[0-9a-f]{32,64})', (b"response=",)
)
"""RFC 7616."""
SEED_PHRASE = RedactionPattern(
    "seed phrase",
    r"(?i:mnemonic|(?:seed|recovery) phrase)[\"'\s:=\\]{1,40}(?:is[\s:]{1,3})?"
    r"(?P<secret>(?:[a-z]{3,8} ){11,23}[a-z]{3,8})(?![\w])",
    (b"mnemonic", b"seed phrase", b"recovery phrase"),
)
"""BIP 39: twelve words, or more, which are the key of a wallet."""


def _basic_credentials_length(scheme_and_word: str) -> int:
    """The full length if the word is base64 of `name:password`; "basic needs" is plain English."""
    word = scheme_and_word.split()[-1]
    try:
        decoded = base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except binascii.Error:
        return 0
    return len(scheme_and_word) if b":" in decoded else 0


BASIC_AUTH = RedactionPattern(
    "password",
    re.compile(r"(?i)(?<![^\W_])basic\s{1,4}[\w+/=-]{4,}"),
    (b"basic",),
    match_length=_basic_credentials_length,
)
"""RFC 7617."""


def _encoded_pair_length(word: str) -> int:
    return _basic_credentials_length(f"basic {word}") and len(word)


AUTH_PAIRS = (
    RedactionPattern(
        "password",
        r"auth\\{0,16}[\"']?\s{0,4}[:=]\s{0,4}\\{0,16}[\"']?(?P<secret>[A-Za-z0-9+/]{8,512}={0,2})(?![\w+/=])",
        (b"auth",),
        match_length=_encoded_pair_length,
    ),
    RedactionPattern(
        "password",
        r"(?i)auth(?:\\{0,16}[\"']?\s{0,4}[:=]\s{0,4}[(\[]|\()\s{0,4}\\{0,16}[\"'][^\"'\n]{1,64}[\"'],"
        r"\s{0,4}\\{0,16}[\"']" + SECRET + r"[^\"'\n\\]{1,512})",
        (b"auth",),
    ),
)
"""A name with its password: encoded, or in code: `auth=("ann", "…")`."""


URL_PASSWORD = RedactionPattern(
    "password",
    r"://(?P<user>[^\s/@:\"'<>\\\[]*+):" + SECRET + VARIABLE + r"(?:[^\s/\"'<>\\]{1,512}(?=@)"
    r"|(?!\d{1,5}[/?#])[^\s\"'<>\\@]{1,512}?(?=@[\w.-]+(?::\d+)?(?:[/?#\s\"'<>\\]|\Z))))",
    (b"://",),
)
"""The password in a URL (RFC 3986), between the user name and the host.

Its slashes should be escaped, but often are not: a slash before `@` and a host is part of the
password. Digits before a slash are a port, not the beginning of a password with a slash."""
STORE_PASSWORD = RedactionPattern(
    "password",
    r"(?<!http)(?<!https)://[^\s/@:\"'<>\\\[]*+:(?P<secret>(?!\[redacted: |\d{1,5}[/?#])"
    + VARIABLE
    + r"[^\s\"'<>\\?]{1,512}(?=@[\w.-]+(?::\d+)?(?:[/?#\s\"'<>\\]|\Z)))",
    (b"://",),
)
"""Like `URL_PASSWORD`, for databases.

Their paths have no `@`, so the password ends at the last `@`."""
PASSWORD_PATTERNS = (
    *COMMANDS,
    XML_PASSWORD,
    SQL_PASSWORD,
    *SPOKEN_PASSWORDS,
    SPOKEN_TOKEN,
    DIGEST,
    SEED_PHRASE,
    BASIC_AUTH,
    *AUTH_PAIRS,
    URL_PASSWORD,
    STORE_PASSWORD,
)
