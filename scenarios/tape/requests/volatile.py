"""Parts of a request that change from run to run without changing the question.

Dates, ids and temporary paths in a prompt would make each run's requests differ from the recorded
ones. A rule in the tape's header names such a part, by a regular expression:

    {"volatile": [{"name": "date", "pattern": "\\d{4}-\\d\\d-\\d\\d"}]}

Requests are compared with each match replaced by `<date>`; what is sent and stored is unchanged.
`python -m scenarios doctor` finds the rules by comparing two recordings of one program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regex  # type: ignore[import-untyped]  # it ships no annotations

from instrumentation.redaction import DEFAULT_REDACTION
from scenarios.tape.json_checks import LineError, json_type_name, reject_unknown_keys, require_types
from scenarios.tape.placeholders import map_texts
from scenarios.tape.requests.request import compute_digest

RULE_KEYS = ("name", "pattern")
REPLACE_TIMEOUT_S = 1.0
"""A pattern with nested repeats may take forever; then the text is compared as it is."""


@dataclass(frozen=True)
class VolatileRule:
    """Text that matches `pattern`, a regular expression, is compared as `<name>`."""

    name: str
    pattern: str

    def replace(self, text: str) -> str:
        """Return `text` with each match replaced."""
        try:
            replaced: str = regex.sub(
                self.pattern, lambda _: f"<{self.name}>", text, timeout=REPLACE_TIMEOUT_S
            )
        except TimeoutError:
            return text
        return replaced

    def to_json(self) -> dict[str, str]:
        """Return the rule as in a header."""
        return {"name": self.name, "pattern": self.pattern}


@dataclass(frozen=True)
class VolatileRules:
    """The rules of a tape, applied in order."""

    rules: tuple[VolatileRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def normalize_text(self, text: str) -> str:
        """Return a text with its volatile parts replaced."""
        for rule in self.rules:
            text = rule.replace(text)
        return text

    def normalize(self, value: Any) -> Any:
        """Return a JSON value with the volatile parts of its strings replaced; keys stay."""
        return map_texts(value, self.normalize_text)

    def digest(self, canonical_body: Any) -> str:
        """Return the digest of a body without volatile parts, redacted as it is on a tape."""
        return compute_digest(self.normalize(DEFAULT_REDACTION.redact_value(canonical_body)))


NO_RULES = VolatileRules()


def parse_volatile_rules(rules: Any) -> VolatileRules:
    """Validate the rules of a header. Raises `LineError`."""
    if not isinstance(rules, list):
        raise LineError(f'"volatile" must be a list of rules, not {json_type_name(rules)}')
    return VolatileRules(tuple(map(_parse_rule, rules)))


def _parse_rule(rule: Any) -> VolatileRule:
    if not isinstance(rule, Mapping):
        raise LineError(f'a rule of "volatile" must be an object, not {json_type_name(rule)}')
    reject_unknown_keys(rule, RULE_KEYS, 'key in a rule of "volatile":')
    require_types(rule, dict.fromkeys(RULE_KEYS, str))
    if missing := [key for key in RULE_KEYS if not rule.get(key)]:
        raise LineError(f'a rule of "volatile" needs {missing[0]!r}')
    try:
        regex.compile(rule["pattern"])
    except regex.error as error:
        raise LineError(
            f'the pattern of the rule {rule["name"]!r} in "volatile" is not a regular expression:'
            f" {error}"
        ) from error
    return VolatileRule(rule["name"], rule["pattern"])
