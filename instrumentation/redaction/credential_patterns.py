"""Patterns of credentials: API keys, webhooks, tokens, private keys and passwords."""

import re

from instrumentation.redaction.api_key_patterns import load_api_key_patterns
from instrumentation.redaction.password_patterns import PASSWORD_PATTERNS, SECRET
from instrumentation.redaction.pattern import RedactionPattern, looks_random

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
JWT = RedactionPattern(
    "token", re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"), (b"eyj",)
)
"""RFC 7519: a header, claims and a signature in base64url, of which the first two are JSON."""
PRIVATE_KEYS = (
    RedactionPattern(
        "private key",
        r"----[- ]BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[ -]-----?"
        r"(?:(?:[^-]|-(?!---[- ](?:BEGIN|END)))*+----[- ]END [A-Z0-9 ]{0,60}[ -]-----?"
        r"|(?:[A-Za-z0-9+/=\s\\:,>#|*]|-(?!----))*+)",
        (b"-----begin ", b"---- begin "),
    ),
    RedactionPattern(
        "private key",
        r"Private-Lines: \d{1,4}[\s\\]{1,8}(?P<secret>(?:(?!Private-)[A-Za-z0-9+/=\s\\]){8,9999})",
        (b"private-lines:",),
    ),
)
"""RFC 7468, PGP, SSH and PuTTY, also quoted in mails and comments; and a key without its end."""


def _bearer_token_length(scheme_and_word: str) -> int:
    """The full length unless the word is English, or an example such as `YOUR_TOKEN`."""
    word = scheme_and_word.split()[-1]
    is_english = word.isalpha() and (word.islower() or word.istitle()) and len(word) < 20
    is_example = word.lower().startswith(("your_", "your-"))
    return 0 if is_english or is_example else len(scheme_and_word)


BEARER_TOKEN = RedactionPattern(
    "token",
    re.compile(r"(?i)(?<![^\W_])bearer\s{1,4}[\w.~+/=-]{6,}"),
    (b"bearer",),
    match_length=_bearer_token_length,
)
"""RFC 6750."""
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
    JWT,
    *PRIVATE_KEYS,
    BEARER_TOKEN,
    *PASSWORD_PATTERNS,
    URL_USER_TOKEN,
    QUERY_TOKEN,
    QUERY_PASSWORD,
    QUERY_KEY,
)
