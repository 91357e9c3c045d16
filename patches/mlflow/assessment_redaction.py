"""Redact the texts of an assessment, a nested object without a common way to read them."""

import copy
from collections.abc import Callable
from typing import Any

TEXT_FIELDS = ("name", "rationale", "metadata")
NESTED_FIELDS = ("feedback", "expectation", "issue", "error")


def redact_assessment(assessment: Any, redact_value: Callable[[Any], Any]) -> Any:
    """Return a copy of an assessment with its value, rationale, error and source redacted."""
    redacted = copy.copy(assessment)
    for name in TEXT_FIELDS:
        setattr(redacted, name, redact_value(getattr(redacted, name)))
    redacted.source = copy.copy(redacted.source)
    redacted.source.source_id = redact_value(redacted.source.source_id)
    for name in NESTED_FIELDS:
        nested = getattr(redacted, name)
        if nested is not None:
            setattr(redacted, name, _redact_nested(nested, redact_value))
    return redacted


def _redact_nested(nested: Any, redact_value: Callable[[Any], Any]) -> Any:
    """Return a redacted copy of an assessment's value object, or of the error in its place."""
    redacted = copy.copy(nested)
    for name, part in vars(nested).items():
        is_plain = part is None or isinstance(part, str | int | float | list | dict)
        setattr(
            redacted, name, redact_value(part) if is_plain else _redact_nested(part, redact_value)
        )
    return redacted
