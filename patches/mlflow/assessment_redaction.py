"""An assessment, redacted: its value, why, its error, and who gave it.

MLflow's are plain objects that hold others, with no common way to read what people wrote in them.
"""

import copy
from collections.abc import Callable
from typing import Any

TEXT_FIELDS = ("name", "rationale", "metadata")
NESTED_FIELDS = ("feedback", "expectation", "issue", "error")


def redact_assessment(assessment: Any, redact_value: Callable[[Any], Any]) -> Any:
    """A copy of it, each of whose parts is as `value` has plain data."""
    told = copy.copy(assessment)
    for name in TEXT_FIELDS:
        setattr(told, name, redact_value(getattr(told, name)))
    told.source = copy.copy(told.source)
    told.source.source_id = redact_value(told.source.source_id)
    for name in NESTED_FIELDS:
        held = getattr(told, name)
        if held is not None:
            setattr(told, name, _redact_nested(held, redact_value))
    return told


def _redact_nested(nested: Any, redact_value: Callable[[Any], Any]) -> Any:
    """A value of an assessment, or the error in the place of one."""
    told = copy.copy(nested)
    for name, part in vars(nested).items():
        plain = part is None or isinstance(part, str | int | float | list | dict)
        setattr(told, name, redact_value(part) if plain else _redact_nested(part, redact_value))
    return told
