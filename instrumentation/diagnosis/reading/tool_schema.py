"""Compare the arguments of a call with the JSON schema that the tool was offered with.

Only the rules are read that say what a tool demands of one argument; a schema may have others.
"""

import re
from collections.abc import Mapping
from typing import Any

from instrumentation.diagnosis.reading.span_values import as_list, as_mapping, as_number

INFINITY = float("inf")


def violates_schema(arguments: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a required argument is missing, or one breaks its pattern, list or limits."""
    known = as_mapping(arguments)
    if any(name not in known for name in as_list(schema.get("required"))):
        return True
    rules = as_mapping(schema.get("properties"))
    return any(_breaks_rule(value, as_mapping(rules.get(name))) for name, value in known.items())


def _breaks_rule(value: Any, rule: Mapping[str, Any]) -> bool:
    if (choices := as_list(rule.get("enum"))) and value not in choices:
        return True
    if isinstance(value, str):
        return "pattern" in rule and not _matches(str(rule["pattern"]), value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least = as_number(rule.get("minimum"), -INFINITY)
    return not least <= value <= as_number(rule.get("maximum"), INFINITY)


def _matches(pattern: str, text: str) -> bool:
    """Whether a text matches; a pattern of another language's dialect refuses nothing."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True
