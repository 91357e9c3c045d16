"""Patterns of API keys, tokens, private keys and passwords, in the formats of their providers."""

import base64
import binascii
import re

from instrumentation.redaction.gitleaks_rules import WORD_START, load_gitleaks_patterns
from instrumentation.redaction.pattern import RedactionPattern, looks_random

SECRET = r"(?P<secret>(?!\[redacted: )"
"""The beginning of the group that is redacted, unless it is already."""
API_KEY_REGEXES = {
    # OpenAI and compatible providers: sk-proj-, sk-ant-, sk-or-; not scikit-learn's CSS classes.
    b"sk-": r"sk-(?!(?:container|estimator|toggleable|parallel|serial|label|item|text|top)"
    r"(?![A-Za-z0-9]))[\w-]{8,}",
    b"akia": r"AKIA[0-9A-Z]{16}",  # AWS, long-term and temporary access keys
    b"asia": r"ASIA[0-9A-Z]{16}",
    b"abia": r"ABIA[0-9A-Z]{16}",
    b"ghp_": r"ghp_\w{20,}",  # GitHub: personal, OAuth, user, server, refresh
    b"gho_": r"gho_\w{20,}",
    b"ghu_": r"ghu_\w{20,}",
    b"ghs_": r"ghs_\w{20,}",
    b"ghr_": r"ghr_\w{20,}",
    b"github_pat_": r"github_pat_\w{20,}",
    b"glpat-": r"glpat-[\w-]{16,}",  # GitLab
    b"aiza": r"AIza[\w-]{30,}",  # Google
    b"gocspx-": r"GOCSPX-[\w-]{16,}",
    b"ya29.": r"ya29\.[\w-]{20,}",
    b"1//0": r"1//0[\w-]{30,}",
    b"xox": r"xox[a-z]-[\w-]{10,}",  # Slack
    b"xapp-": r"xapp-\d-[\w-]{10,}",
    b"tvly-": r"tvly-[\w-]{8,}",  # Tavily
    b"hf_": r"hf_[A-Za-z0-9]{16,}",  # Hugging Face
    b"gsk_": r"gsk_[A-Za-z0-9]{20,}",  # Groq
    b"xai-": r"xai-[A-Za-z0-9]{20,}",
    b"r8_": r"r8_[A-Za-z0-9]{20,}",  # Replicate
    b"pcsk_": r"pcsk_\w{20,}",  # Pinecone
    b"nvapi-": r"nvapi-[\w-]{20,}",
    b"csk-": r"csk-[A-Za-z0-9]{20,}",  # Cerebras
    b"lsv2_": r"lsv2_[ps][tk]_\w{20,}",  # LangSmith
    b"pplx-": r"pplx-[A-Za-z0-9]{20,}",
    b"fw_": r"fw_[A-Za-z0-9]{20,}",  # Fireworks
    b"jina_": r"jina_[A-Za-z0-9]{20,}",
    b"tgp_v1_": r"tgp_v1_[\w-]{20,}",  # Together
    b"e2b_": r"e2b_[0-9a-f]{30,}",
    b"wandb_v1_": r"wandb_v1_\w{20,}",
    b"dapi": r"dapi[0-9a-f]{32}(?:-\d)?",  # Databricks
    b"hvs.": r"hvs\.[\w-]{20,}",  # HashiCorp Vault
    b"hvb.": r"hvb\.[\w-]{20,}",
    b"hvr.": r"hvr\.[\w-]{20,}",
    b"sg.": r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    b"sk_live_": r"sk_live_\w{10,}",  # Stripe
    b"sk_test_": r"sk_test_\w{10,}",
    b"rk_live_": r"rk_live_\w{10,}",
    b"rk_test_": r"rk_test_\w{10,}",
    b"pk_live_": r"pk_live_\w{10,}",
    b"pk_test_": r"pk_test_\w{10,}",
    b"whsec_": r"whsec_[A-Za-z0-9+/=]{16,}",
    b"rzp_": r"rzp_(?:live|test)_[A-Za-z0-9]{10,}",
    b"sq0": r"sq0[a-z]{3}-[\w-]{20,}",  # Square
    b"eaaa": r"EAAA[\w-]{60,}",
    b"npm_": r"npm_[A-Za-z0-9]{30,}",
    b"pypi-": r"pypi-(?=[\w-]{0,99}\d)[\w-]{30,}",
    b"dckr_": r"dckr_(?:pat|oat)_[\w-]{20,}",
    b"figd_": r"figd_[\w-]{20,}",
    b"lin_": r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",
    b"ntn_": r"ntn_[A-Za-z0-9]{30,}",
    b"secret_": r"secret_[A-Za-z0-9]{43}",  # Notion
    b"sbp_": r"sbp_[0-9a-f]{40}",  # Supabase
    b"sb_secret_": r"sb_secret_[\w-]{20,}",
    b"tskey-": r"tskey-[\w-]{16,}",  # Tailscale
    b"atatt3": r"ATATT3[\w=-]{20,}",  # Atlassian
    b"atctt3": r"ATCTT3[\w=-]{20,}",
    b"atbb": r"ATBB[A-Za-z0-9]{28,}",
    b"nrak-": r"NRAK-[A-Z0-9]{27}",  # New Relic
    b"nrii-": r"NRII-[\w-]{32}",
    b"dop_v1_": r"do[opr]_v1_[a-f0-9]{40,}",  # DigitalOcean
    b"dp.": r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}",  # Doppler
    b"shp": r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}",  # Shopify
    b"tfp_": r"tfp_[\w.=-]{40,}",  # Typeform
    b"squ_": r"squ_[a-f0-9]{40}",  # SonarQube
    b"sqp_": r"sqp_[a-f0-9]{40}",
    b"aqvn": r"AQVN[\w-]{35,}",  # Yandex
    b"phx_": r"phx_[A-Za-z0-9]{30,}",  # PostHog
    b"cfpat-": r"CFPAT-[\w-]{30,}",  # Contentful
    b"dnkey-": r"dnkey-[\w=-]{20,}",
    b"key-": r"key-[0-9a-f]{32}(?![0-9a-f])",  # Mailgun
    b"sntrys_": r"sntrys_[\w+/=-]{30,}",  # Sentry
    b"pat": r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",  # Airtable
}
"""The beginning of a key in lower case, and its regular expression; what `gitleaks.toml` lacks, or
takes only in a length that has changed."""
API_KEYS = tuple(
    RedactionPattern("API key", f"{WORD_START}(?:{regex})", (prefix,))
    for prefix, regex in API_KEY_REGEXES.items()
)
KEYS_WITH_A_MARK = (
    RedactionPattern(  # Telegram: the number of the bot, a colon, and its key
        "API key", r":AA[\w-]{30,40}(?![\w-])", (b":aa",), before_regex=re.compile(r"\d{6,12}")
    ),
    RedactionPattern(  # Mailchimp: the key, and its data center
        "API key",
        r"-us\d{1,2}(?![A-Za-z0-9])",
        (b"-us",),
        before_regex=re.compile(r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    ),
    RedactionPattern(  # Azure
        "API key",
        r"Q~[\w~.-]{31,34}(?![A-Za-z0-9])",
        (b"q~",),
        before_regex=re.compile(r"\d[\w~.]{3}(?![A-Za-z0-9])"),
    ),
    RedactionPattern(  # Terraform Cloud
        "API key",
        r"\.atlasv1\.[\w=-]{40,}",
        (b".atlasv1.",),
        before_regex=re.compile(r"[A-Za-z0-9]{14}"),
    ),
    RedactionPattern(  # MaxMind
        "API key",
        r"_mmk(?![A-Za-z0-9])",
        (b"_mmk",),
        before_regex=re.compile(r"[A-Za-z0-9]{29}_\w{6}"),
    ),
)
"""Keys with a mark in their middle or at their end."""
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
    *API_KEYS,
    *load_gitleaks_patterns(),
    *KEYS_WITH_A_MARK,
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
