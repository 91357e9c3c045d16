"""Patterns of API keys, tokens, private keys and passwords, in the formats of their providers."""

import base64
import binascii
import re

from instrumentation.redaction.pattern import RedactionPattern

API_KEY_REGEXES = {
    b"sk-": r"sk-[\w-]{8,}",  # OpenAI and compatible providers: sk-proj-, sk-ant-, sk-or-
    b"akia": r"AKIA[0-9A-Z]{16}",  # AWS, long-term and temporary access keys
    b"asia": r"ASIA[0-9A-Z]{16}",
    b"ghp_": r"ghp_\w{20,}",  # GitHub: personal, OAuth, user, server, refresh
    b"gho_": r"gho_\w{20,}",
    b"ghu_": r"ghu_\w{20,}",
    b"ghs_": r"ghs_\w{20,}",
    b"ghr_": r"ghr_\w{20,}",
    b"github_pat_": r"github_pat_\w{20,}",
    b"glpat-": r"glpat-[\w-]{16,}",  # GitLab
    b"aiza": r"AIza[\w-]{30,}",  # Google
    b"ya29.": r"ya29\.[\w-]{20,}",
    b"xox": r"xox[a-z]-[\w-]{10,}",  # Slack
    b"tvly-": r"tvly-[\w-]{8,}",  # Tavily
    b"hf_": r"hf_[A-Za-z0-9]{16,}",  # Hugging Face
    b"_live_": r"(?<=[spr]k)_live_\w{10,}",  # Stripe
    b"_test_": r"(?<=[spr]k)_test_\w{10,}",
    b"npm_": r"npm_\w{30,}",
    b"pypi-": r"pypi-[\w-]{30,}",
}
"""The beginning of a key in lower case, and its regular expression."""
WORD_START = r"(?<![A-Za-z0-9])"
API_KEYS = tuple(
    RedactionPattern(
        "API key",
        re.compile(f"{WORD_START}{regex}" if prefix[:1] != b"_" else regex),
        (prefix,),
    )
    for prefix, regex in API_KEY_REGEXES.items()
)
JWT = RedactionPattern(
    "token",
    re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"),
    (b"eyj",),
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
    re.compile(r"(?i)(?<!\w)basic\s{1,4}[\w+/=-]{4,}"),
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
    re.compile(r"(?i)(?<!\w)bearer\s{1,4}[\w.~+/=-]{6,}"),
    (b"bearer",),
    match_length=_bearer_token_length,
)
"""RFC 6750."""
URL_PASSWORD = RedactionPattern(
    "password",
    re.compile(r"://[^\s/@:\"'<>\\]*+:(?P<secret>(?!\[redacted: )[^\s/\"'<>\\]{1,512})@"),
    (b"://",),
)
"""RFC 3986: the part between the user name and the host."""
URL_USER_TOKEN = RedactionPattern(
    "token", re.compile(r"://(?P<secret>[\w.~-]{20,512}+)@"), (b"://",)
)
"""A token in the place of the user name of a URL."""
QUERY_TOKEN = RedactionPattern(
    "token",
    re.compile(
        r"(?i)[?&](?:key|token|sig|signature|auth|pass|pw|code|x-[a-z]{2,8}-(?:signature|credential|"
        r"security-token))=(?P<secret>(?!\[redacted: )[^\s&#\"'<>\\]{1,4096})"
    ),
    (b"?", b"&"),
)
"""A secret or a signature in the query of a URL: `?key=…`."""
CREDENTIAL_PATTERNS = (
    *API_KEYS,
    JWT,
    PRIVATE_KEY,
    BASIC_AUTH,
    BEARER_TOKEN,
    URL_PASSWORD,
    URL_USER_TOKEN,
    QUERY_TOKEN,
)
