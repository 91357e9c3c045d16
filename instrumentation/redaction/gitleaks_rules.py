r"""Patterns of API keys from the rules of gitleaks, a maintained scanner, in `gitleaks.toml`.

The rules are written for Go and for source code. To match in any text, what follows a key in code
(a quote, a space) is dropped. `(?i)` within an expression, which Python rejects, applies to all.
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


def load_gitleaks_patterns() -> tuple[RedactionPattern, ...]:
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
