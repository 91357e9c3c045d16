"""The header of a tape: lane rules, paths by environment variable, volatile parts, answer order.

A header is a line of its own, with these keys and no `lane`: see `docs/reference/tape.md`. It is
normally the first line; a recording that was killed may have several, which count as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.tape.condition import Condition, compile_condition
from scenarios.tape.json_checks import LineError, json_type_name, reject_unknown_keys, require_types
from scenarios.tape.requests.volatile import NO_RULES, VolatileRules, parse_volatile_rules

HEADER_KEYS = ("lanes", "endpoints", "volatile", "order")
RULE_KEYS = ("prompt", "tools", "when")


@dataclass(frozen=True)
class LaneRule:
    """How the requests of a lane are recognised: by prompt and tools, or by a condition."""

    prompt: str | None = None
    tools: tuple[str, ...] | None = None
    when: Condition | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the rule as in a header."""
        rule: dict[str, Any] = {}
        if self.prompt is not None:
            rule["prompt"] = self.prompt
        if self.tools is not None:
            rule["tools"] = list(self.tools)
        if self.when is not None:
            rule["when"] = self.when.pattern
        return rule


@dataclass(frozen=True)
class TapeHeader:
    """The merged header lines of a tape."""

    lanes: Mapping[str, LaneRule] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    volatile: VolatileRules = NO_RULES
    keeps_order: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the header as its line has it; empty if it says nothing."""
        lanes = {name: rule.to_json() for name, rule in self.lanes.items()}
        fields = {
            "lanes": lanes,
            "endpoints": dict(self.endpoints),
            "volatile": [rule.to_json() for rule in self.volatile.rules],
            "order": "recorded" if self.keeps_order else "",
        }
        return {key: value for key, value in fields.items() if value}

    def merge(self, other: "TapeHeader") -> "TapeHeader":
        """Return a header with the entries of both; those of `other` win."""
        rules = dict.fromkeys((*self.volatile.rules, *other.volatile.rules))
        return TapeHeader(
            {**self.lanes, **other.lanes},
            {**self.endpoints, **other.endpoints},
            VolatileRules(tuple(rules)),
            self.keeps_order or other.keeps_order,
        )


def is_header(fields: Any) -> bool:
    """Return whether the JSON value of a line is a header."""
    return (
        isinstance(fields, dict) and "lane" not in fields and any(k in fields for k in HEADER_KEYS)
    )


def parse_header(fields: Mapping[str, Any]) -> TapeHeader:
    """Validate the JSON object of a header line. Raises `LineError`."""
    reject_unknown_keys(fields, HEADER_KEYS, "key of the header")
    require_types(fields, {"lanes": dict, "endpoints": dict, "order": str})
    if fields.get("order", "recorded") != "recorded":
        raise LineError(f'"order" must be "recorded", or absent, not {fields["order"]!r}')
    lanes = {name: _parse_rule(name, rule) for name, rule in fields.get("lanes", {}).items()}
    endpoints = fields.get("endpoints", {})
    for variable, path in endpoints.items():
        if not isinstance(path, str) or not (path == "" or path.startswith("/")):
            raise LineError(
                f'the endpoint of {variable} must be a path such as "/v1", not {path!r}'
            )
    volatile = parse_volatile_rules(fields.get("volatile", []))
    return TapeHeader(lanes, endpoints, volatile, "order" in fields)


def _parse_rule(name: str, rule: Any) -> LaneRule:
    if not isinstance(rule, dict):
        raise LineError(f"the rule of lane {name!r} must be an object, not {json_type_name(rule)}")
    reject_unknown_keys(rule, RULE_KEYS, f"key in the rule of lane {name!r}:")
    require_types(rule, {"prompt": str, "when": str})
    tools = rule.get("tools")
    if tools is not None and not _is_list_of_strings(tools):
        raise LineError(f'"tools" of lane {name!r} must be a list of names')
    try:
        when = compile_condition(rule["when"]) if "when" in rule else None
    except ValueError as error:
        raise LineError(f'"when" of lane {name!r} is not a regular expression: {error}') from error
    return LaneRule(rule.get("prompt"), None if tools is None else tuple(tools), when)


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
