"""An assessment, redacted: its value, why, its error, and who gave it.

MLflow's are plain objects that hold others, with no common way to read what people wrote in them.
"""

import copy
from collections.abc import Callable
from typing import Any

WRITTEN = ("name", "rationale", "metadata")
HOLDING = ("feedback", "expectation", "issue", "error")


def assessed(assessment: Any, value: Callable[[Any], Any]) -> Any:
    """A copy of it, each of whose parts is as `value` has plain data."""
    told = copy.copy(assessment)
    for name in WRITTEN:
        setattr(told, name, value(getattr(told, name)))
    told.source = copy.copy(told.source)
    told.source.source_id = value(told.source.source_id)
    for name in HOLDING:
        held = getattr(told, name)
        if held is not None:
            setattr(told, name, _rewritten(held, value))
    return told


def _rewritten(held: Any, value: Callable[[Any], Any]) -> Any:
    """A value of an assessment, or the error in the place of one."""
    told = copy.copy(held)
    for name, part in vars(held).items():
        plain = part is None or isinstance(part, str | int | float | list | dict)
        setattr(told, name, value(part) if plain else _rewritten(part, value))
    return told
