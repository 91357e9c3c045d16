r"""Patterns of API keys: the rules of gitleaks, a maintained scanner, and what these lack.

The rules, in `gitleaks.toml`, are written for Go and for source code. To match in any text, what
follows a key in code (a quote, a space) is dropped. `(?i)` within an expression, which Python
rejects, applies to all.
"""

import math
import re
import tomllib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from instrumentation.redaction.pattern import RedactionPattern

RULES_FILE = Path(__file__).with_name("gitleaks.toml")
WORD_START = r"(?<![A-Za-z0-9])"
END_IN_CODE = re.compile(
    r"\(\?:\[\\x60'\"\\s;\]\|\\\\\[nr\]\|\$(?:\|\\b)?\)$|\(\?:\[\^[^]]*\]\|\\z\)$"
)
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MIXED = "(?=[a-z0-9_-]{0,32}[A-Z])(?=[A-Za-z_-]{0,32}[0-9])(?=[A-Z0-9_-]{0,32}[a-z])"
"""Digits and letters of both cases, as in the keys of providers whose prefix is two letters."""

API_KEY_FORMATS = (
    (
        "OpenAI and compatible, but not scikit-learn's CSS classes",
        "sk-",
        r"(?!(?:container|estimator|toggleable|parallel|serial|label|item|text|top|[xX]{3,99})(?![A-Za-z0-9]))"
        r"[\w-]{8,}",
    ),
    ("AWS", "AKIA ASIA ABIA", "[0-9A-Z]{16}"),
    ("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w{20,}"),
    ("GitLab", "glpat-", r"[\w-]{16,}"),
    ("Google", "AIza", r"[\w-]{30,}"),
    ("Google", "GOCSPX-", r"[\w-]{16,}"),
    ("Google", "ya29.", r"[\w-]{20,}"),
    ("Google", "1//0", r"[\w-]{30,}"),
    ("Slack", "xox", r"[a-z]-[\w-]{10,}"),
    ("Slack", "xapp-", r"\d-[\w-]{10,}"),
    ("Tavily", "tvly-", r"[\w-]{8,}"),
    ("Hugging Face", "hf_", "[A-Za-z0-9]{16,}"),
    ("Groq, xAI, Replicate, Cerebras", "gsk_ xai- r8_ csk-", "[A-Za-z0-9]{20,}"),
    ("Perplexity, Fireworks, Jina", "pplx- fw_ jina_", "[A-Za-z0-9]{20,}"),
    ("Pinecone, Weights & Biases", "pcsk_ wandb_v1_", r"\w{20,}"),
    ("NVIDIA, Together", "nvapi- tgp_v1_", r"[\w-]{20,}"),
    ("LangSmith", "lsv2_", r"[ps][tk]_\w{20,}"),
    ("E2B", "e2b_", "[0-9a-f]{30,}"),
    ("Databricks", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    ("HashiCorp Vault", "hvs. hvb. hvr.", r"[\w-]{20,}"),
    ("SendGrid", "SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    ("Stripe", "sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_", r"\w{10,}"),
    ("Stripe's webhooks", "whsec_", "[A-Za-z0-9+/=]{16,}"),
    ("Razorpay", "rzp_", "(?:live|test)_[A-Za-z0-9]{10,}"),
    ("Square", "sq0", r"[a-z]{3}-[\w-]{20,}"),
    ("Square", "EAA", r"A[\w-]{60,}"),
    ("npm", "npm_", "[A-Za-z0-9]{30,}"),
    ("PyPI", "pypi-", r"(?=[\w-]{0,99}\d)[\w-]{30,}"),
    ("Docker", "dckr_", r"(?:pat|oat)_[\w-]{20,}"),
    ("Figma", "figd_", r"[\w-]{20,}"),
    ("Linear", "lin_", "(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("Notion", "ntn_", "[A-Za-z0-9]{30,}"),
    ("Notion", "secret_", "[A-Za-z0-9]{43}"),
    ("Supabase", "sbp_", "[0-9a-f]{40}"),
    ("Supabase", "sb_secret_", r"[\w-]{20,}"),
    ("Tailscale", "tskey-", r"[\w-]{16,}"),
    ("Atlassian", "ATATT3 ATCTT3", r"[\w=-]{20,}"),
    ("Atlassian", "ATBB", "[A-Za-z0-9]{28,}"),
    ("New Relic", "NRAK-", "[A-Z0-9]{27}"),
    ("New Relic", "NRII-", r"[\w-]{32}"),
    ("DigitalOcean", "dop_v1_", "[a-f0-9]{40,}"),
    ("Doppler", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}"),
    ("Shopify", "shp", "(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}"),
    ("Typeform", "tfp_", r"[\w.=-]{40,}"),
    ("SonarQube", "squ_ sqp_", "[a-f0-9]{40}"),
    ("Yandex", "AQVN", r"[\w-]{35,}"),
    ("PostHog", "phx_", "[A-Za-z0-9]{30,}"),
    ("Contentful", "CFPAT-", r"[\w-]{30,}"),
    ("Defined Networking", "dnkey-", r"[\w=-]{20,}"),
    ("Mailgun", "key-", "[0-9a-f]{32}(?![0-9a-f])"),
    ("Sentry", "sntrys_", r"[\w+/=-]{30,}"),
    ("Airtable", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("Firecrawl", "fc-", "[0-9a-f]{32}(?![0-9a-f])"),
    ("Fly", "fm1r_ fm2_", r"[\w+/=]{40,}"),
    ("Neon, Apify, RunPod", "napi_ apify_api_ rpa_", "[A-Za-z0-9]{24,}"),
    ("Browserbase, Trigger.dev", "bb_live_ tr_prod_ tr_dev_", "[A-Za-z0-9]{16,}"),
    ("Polar, Svix", "polar_oat_ testsk_", "[A-Za-z0-9]{20,}"),
    ("Buildkite, Rootly, W&B server", "bkua_ rootly_ local-", "[a-f0-9]{40,64}"),
    ("CircleCI", "CCIPAT_", r"\w{40,}"),
    ("HubSpot", "pat-na pat-eu pat-ap", rf"\d-{UUID}"),
    ("Plaid", "access-sandbox- access-production-", UUID),
    ("Brevo", "xsmtpsib-", r"[a-f0-9]{64}-\w{16}"),
    ("Sourcegraph", "sgp_", r"(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}"),
    ("Facebook", "EAA", "[BCEG][A-Za-z0-9]{36,}"),
    ("Google", "AQ.Ab8R", r"[\w-]{30,}"),
    ("Inngest", "signkey-", "(?:prod|test|branch)-[0-9a-f]{32,}"),
    ("Dropbox", "sl.u. sl.B", r"[\w-]{60,}"),
    ("Twitch", "oauth:", "[a-z0-9]{30}(?![a-z0-9])"),
    ("Mem0, LlamaCloud, Voyage", "m0- llx- pa-", MIXED + r"[\w-]{36,}"),
)
"""Provider, beginnings of its keys, and a regular expression of the rest: what `gitleaks.toml`
lacks, or takes only in a length that has changed."""
KEYS_WITH_A_MARK = (
    (b":aa", r":AA[\w-]{30,40}(?![\w-])", r"\d{6,12}"),  # Telegram: the bot's number, and its key
    (b"-us", r"-us\d{1,2}(?![A-Za-z0-9])", r"[0-9a-f]{32}(?![A-Za-z0-9])"),  # Mailchimp
    (b"q~", r"Q~[\w~.-]{31,34}(?![A-Za-z0-9])", r"\d[\w~.]{3}(?![A-Za-z0-9])"),  # Azure
    (b".atlasv1.", r"\.atlasv1\.[\w=-]{40,}", r"[A-Za-z0-9]{14}"),  # Terraform Cloud
    (b"_mmk", r"_mmk(?![A-Za-z0-9])", r"[A-Za-z0-9]{29}_\w{6}"),  # MaxMind
)
"""Keys with a mark in their middle or at their end: the mark in lower case, and regular expressions
of the key from there, and of what is before it, read backwards."""


def load_api_key_patterns() -> tuple[RedactionPattern, ...]:
    """Return the patterns of all API keys."""
    own = (
        RedactionPattern("API key", WORD_START + re.escape(start) + rest, (start.lower().encode(),))
        for _, starts, rest in API_KEY_FORMATS
        for start in starts.split()
    )
    marked = (
        RedactionPattern("API key", regex, (mark,), before_regex=re.compile(before))
        for mark, regex, before in KEYS_WITH_A_MARK
    )
    return (*own, *_load_gitleaks_patterns(), *marked)


def _load_gitleaks_patterns() -> tuple[RedactionPattern, ...]:
    """Read the rules. An expression is compiled when its keyword is first found in a text."""
    rules = tomllib.loads(RULES_FILE.read_text(encoding="utf-8"))["rules"]
    return tuple(_to_pattern(rule) for rule in rules)


def _to_pattern(rule: dict[str, Any]) -> RedactionPattern:
    regex = END_IN_CODE.sub("", rule["regex"]).removeprefix("(?i)").removeprefix(r"\b")
    flags = "(?i)" if "(?i)" in rule["regex"] else ""
    minimum = rule.get("entropy", 0.0)
    return RedactionPattern(
        "API key",
        flags + WORD_START + "(?:" + regex.replace("(?i)", "") + ")",
        tuple(keyword.encode() for keyword in rule["keywords"]),
        match_length=partial(_random_length, min_entropy_bits=minimum) if minimum else len,
    )


def _random_length(text: str, min_entropy_bits: float) -> int:
    """The full length, unless the characters of a text are too few or too regular for a key."""
    counts = Counter(text).values()
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return len(text) if entropy >= min_entropy_bits else 0
