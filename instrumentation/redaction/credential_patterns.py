"""Patterns of API keys, tokens, private keys and passwords, in the formats of their providers."""

import base64
import binascii
import re

from instrumentation.redaction.api_key_patterns import load_api_key_patterns
from instrumentation.redaction.pattern import RedactionPattern, looks_random

SECRET = r"(?P<secret>(?!\[redacted: )"
"""The beginning of the group that is redacted, unless it is already."""
WEBHOOK_REGEXES = {
    b"hooks.slack.com/": r"hooks\.slack\.com/(?:services|workflows|triggers)/"
    r"(?P<secret>[\w/+-]{8,})",
    b"discord": r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(?P<secret>\d+/[\w-]{16,})",
    b"webhook.office.com/": r"webhook\.office\.com/webhookb2/(?P<secret>[\w@/-]{30,})",
    b"hooks.zapier.com/": r"hooks\.zapier\.com/hooks/catch/(?P<secret>[\w/]{6,})",
    b"maker.ifttt.com/": r"maker\.ifttt\.com/\S{0,99}/key/(?P<secret>[\w-]{10,})",
}
"""The host of a webhook, and the part of its URL that lets anyone post to it."""
WEBHOOKS = tuple(
    RedactionPattern("webhook", regex, (host,)) for host, regex in WEBHOOK_REGEXES.items()
)
COMMAND_REGEXES = {
    b"curl": r"curl\b(?:[^\n;|]|\\\n){0,300}?\s(?:-u|--user|-U|--proxy-user)(?:\s{1,4}|=)?"
    r"[\"']?[^\s:\"'|;]{0,64}:" + SECRET + r"[^\s\"'|;]{1,512})",
    b"sshpass": r"sshpass\s{1,4}-p\s{0,4}[\"']?" + SECRET + r"[^\s\"']{1,512})",
    b"mysql": r"mysql(?:dump|admin)?\b[^\n;|]{0,200}?\s-p[\"']?" + SECRET + r"[^\s\"'-]{1,512})",
    b"login": r"login\b[^\n;|]{0,200}?\s-p\s{1,4}[\"']?"  # docker, podman, helm
    + SECRET
    + r"[^\s\"'-][^\s\"']{3,512})",
    b"machine": r"machine\s{1,4}\S{1,256}\s{1,4}login\s{1,4}\S{1,256}\s{1,4}password\s{1,4}"
    + SECRET
    + r"\S{1,512})",  # .netrc
    b"redis-cli": r"redis-cli\b[^\n;|]{0,200}?\s-a\s{1,4}[\"']?" + SECRET + r"[^\s\"']{1,512})",
}
"""A program, and the option in which its command line has a password."""
COMMANDS = tuple(
    RedactionPattern("password", rf"(?<!\w){regex}", (program,))
    for program, regex in COMMAND_REGEXES.items()
)
XML_PASSWORD = RedactionPattern(
    "password",
    r"(?i)(?:password|passwd|passphrase|secret|api_?key|access_?token)>"
    + SECRET
    + r"[^<>]{1,512})</",
    (b"password>", b"passwd>", b"passphrase>", b"secret>", b"apikey>", b"api_key>", b"token>"),
    match_length=lambda value: len(value) if value.strip() else 0,
)
"""An element of XML."""
SPOKEN_PASSWORD = RedactionPattern(
    "password",
    r"(?i)(?:password|passphrase|passcode|passwort|(?:api|access|secret|private) (?:key|token))"
    r"\s{1,4}(?:is|was|ist|=>|->)\s{0,4}[:\"'`]{0,2}"
    + SECRET
    + r"(?=[^\s\"'`]*\d)(?=[^\s\"'`]*[A-Za-z])[^\s\"'`,;]{6,512})",
    (
        *(b"password", b"passphrase", b"passcode", b"passwort", b"api key", b"api token"),
        *(b"access key", b"access token", b"secret key", b"secret token"),
        *(b"private key", b"private token"),
    ),
)
"""A password in a sentence, if it has letters and digits: `the password is required` has none."""
JWT = RedactionPattern(
    "token", re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"), (b"eyj",)
)
"""RFC 7519: a header, claims and a signature in base64url, of which the first two are JSON."""
PRIVATE_KEY = RedactionPattern(
    "private key",
    re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=\s\\:,]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,60}-----)?"
    ),
    (b"-----begin ",),
)
"""RFC 7468; also matches a key without its end."""


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


def _bearer_token_length(scheme_and_word: str) -> int:
    """The full length unless the word looks like an English word."""
    word = scheme_and_word.split()[-1]
    is_english = word.isalpha() and (word.islower() or word.istitle()) and len(word) < 20
    return 0 if is_english else len(scheme_and_word)


BEARER_TOKEN = RedactionPattern(
    "token",
    re.compile(r"(?i)(?<![^\W_])bearer\s{1,4}[\w.~+/=-]{6,}"),
    (b"bearer",),
    match_length=_bearer_token_length,
)
"""RFC 6750."""
URL_PASSWORD = RedactionPattern(
    "password",
    r"://(?P<user>[^\s/@:\"'<>\\\[]*+):" + SECRET + r"(?:[^\s/\"'<>\\]{1,512}(?=@)"
    r"|(?!\d{1,5}[/?#])[^\s\"'<>\\@]{1,512}?(?=@[\w.-]+(?::\d+)?(?:[/?#\s\"'<>\\]|\Z))))",
    (b"://",),
)
"""The password in a URL (RFC 3986), between the user name and the host.

Its slashes should be escaped, but often are not: a slash before `@` and a host is part of the
password. Digits before a slash are a port, not the beginning of a password with a slash."""
STORE_PASSWORD = RedactionPattern(
    "password",
    r"(?<!http)(?<!https)://[^\s/@:\"'<>\\\[]*+:(?P<secret>(?!\[redacted: |\d{1,5}[/?#])"
    r"[^\s\"'<>\\?]{1,512}(?=@[\w.-]+(?::\d+)?(?:[/?#\s\"'<>\\]|\Z)))",
    (b"://",),
)
"""Like `URL_PASSWORD`, for databases.

Their paths have no `@`, so the password ends at the last `@`."""
URL_USER_TOKEN = RedactionPattern(
    "token", re.compile(r"://(?P<secret>[\w.~-]{20,512}+)@"), (b"://",)
)
"""A token in the place of the user name of a URL."""
QUERY_TOKEN = RedactionPattern(
    "token",
    re.compile(
        r"(?i)[?&](?:token|sig|signature|x-[a-z]{2,8}-(?:signature|credential|security-token))="
        + SECRET
        + r"(?=[\w.~%+/=-]{0,512}?\d)[\w.~%+/=-]{8,4096})"
    ),
    (b"?", b"&"),
)
"""A token or a signature in the query of a URL."""
QUERY_PASSWORD = RedactionPattern(
    "password",
    re.compile(r"(?i)[?&](?:pass|pw)=" + SECRET + r"[^\s&#\"'<>\\]{4,4096})"),
    (b"?", b"&"),
    match_length=lambda value: 0 if value.lower() in ("true", "false") else len(value),
)
QUERY_KEY = RedactionPattern(
    "token",
    re.compile(r"(?i)[?&](?:key|auth|code)=(?P<secret>[\w.~%+/-]{10,512}={0,2})"),
    (b"?", b"&"),
    match_length=lambda value: len(value) if looks_random(value) else 0,
)
"""A key in the query of a URL, if it looks like one: `?key=population` names a column."""
CREDENTIAL_PATTERNS = (
    *load_api_key_patterns(),
    *WEBHOOKS,
    *COMMANDS,
    XML_PASSWORD,
    SPOKEN_PASSWORD,
    JWT,
    PRIVATE_KEY,
    BASIC_AUTH,
    BEARER_TOKEN,
    URL_PASSWORD,
    STORE_PASSWORD,
    URL_USER_TOKEN,
    QUERY_TOKEN,
    QUERY_PASSWORD,
    QUERY_KEY,
)
