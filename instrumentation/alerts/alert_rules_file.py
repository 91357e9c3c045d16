"""Read alert rules from a TOML file, and reject rules that would not check what was intended."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from reprlib import repr as shorten
from typing import Any

from instrumentation.alerts.alert_rule import EACH, AlertRule
from instrumentation.alerts.measurement import MEASURED_SPAN_KINDS, RUN
from instrumentation.alerts.measures import MEASURES
from instrumentation.input_file import read_input_text
from instrumentation.trace.wording import suggest

AGGREGATES = (EACH, "total", "mean", "share")
UNITS = (RUN, *MEASURED_SPAN_KINDS.values())
PERCENTILE = re.compile(r"p(?!0+$)(\d{1,2}|100)")
FIELD_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "at_most": (int, float),
    "at_least": (int, float),
    "tags": dict,
    "min_readings": int,
    "optional": bool,
}
"""The types of the fields that are not texts."""


class AlertRulesError(Exception):
    """A file is not a valid list of alert rules; the message says where and what is expected."""


def load_alert_rules(path: Path) -> tuple[AlertRule, ...]:
    """Read rules from a TOML file: one `[[alert]]` per rule, with the fields of `AlertRule`.

    Example:
        [[alert]]
        name = "slow research"
        measure = "latency_ms"
        agent = "researcher"
        at_most = 60_000

    Raises:
        AlertRulesError: The file is invalid, or a rule would not check what was intended: an
            unknown field, a missing threshold or one of the wrong type, two rules of one name.
    """
    try:
        document = tomllib.loads(read_input_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise AlertRulesError(f"{path}: cannot be read as TOML ({error})") from error
    entries = document.pop("alert", None)
    if document or not isinstance(entries, list) or not entries:
        others = f"; found {', '.join(document)}" if document else ""
        raise AlertRulesError(f"{path}: expected only [[alert]] entries{others}")
    rules = tuple(_parse_rule(entry, f"{path}: alert {n}") for n, entry in enumerate(entries, 1))
    names = [rule.name for rule in rules]
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise AlertRulesError(f"{path}: two alerts have the name {duplicates[0]!r}")
    return rules


def _parse_rule(entry: Any, source: str) -> AlertRule:
    if not isinstance(entry, dict):
        raise AlertRulesError(
            f"{source}: expected name = …, measure = … and a threshold, found {shorten(entry)}"
        )
    known = {field.name: field for field in fields(AlertRule)}
    for key, value in entry.items():
        _check_known(key, known, f"{source}: unknown field", "fields")
        _check_type(key, value, source)
    for key, field in known.items():
        is_required = field.default is MISSING and field.default_factory is MISSING
        if is_required and not entry.get(key):
            raise AlertRulesError(f"{source}: {key} is missing")
    rule = AlertRule(**entry)
    _check_known(rule.measure, MEASURES, f"{source}: unknown measure", "measures")
    _check_known(rule.unit or RUN, UNITS, f"{source}: unknown unit", "units")
    if not PERCENTILE.fullmatch(rule.aggregate):
        expected = "expected a percentile, such as p95, or"
        _check_known(rule.aggregate, AGGREGATES, f"{source}: unknown aggregate", expected)
    _check_limits(rule, source)
    return rule


def _check_type(key: str, value: Any, source: str) -> None:
    expected = FIELD_TYPES.get(key, str)
    # bool is a subclass of int in Python, but not a valid threshold
    is_valid = isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
    texts = value.values() if isinstance(value, dict) else ()
    if not is_valid or not all(isinstance(text, str) for text in texts):
        names = {str: "a text", int: "an integer", bool: "true or false", dict: "a table of texts"}
        name = names.get(expected, "a number") if isinstance(expected, type) else "a number"
        raise AlertRulesError(f"{source}: {key} must be {name}, found {shorten(value)}")


def _check_limits(rule: AlertRule, source: str) -> None:
    if (rule.at_most is None) == (rule.at_least is None):
        raise AlertRulesError(
            f"{source}: {rule.name!r} needs one threshold, at_most = … or at_least = …"
        )
    if not _is_finite(rule.at_most if rule.at_most is not None else rule.at_least):
        raise AlertRulesError(
            f"{source}: {rule.name!r} would fire always or never: its threshold is not finite"
        )
    if rule.aggregate == "share" and rule.measure != "failed":
        raise AlertRulesError(
            f"{source}: the aggregate share needs the measure failed; for {rule.measure}, use mean"
        )
    if rule.min_readings < 1:
        raise AlertRulesError(
            f"{source}: {rule.name!r} needs min_readings of at least 1, found {rule.min_readings}"
        )
    if rule.unit and MEASURES[rule.measure].measure_run:
        raise AlertRulesError(
            f"{source}: the measure {rule.measure} has units of its own: remove {rule.unit!r}"
        )


def _is_finite(threshold: float | None) -> bool:
    try:
        return math.isfinite(float(threshold or 0.0))
    except OverflowError:  # an integer of more than 308 digits
        return False


def _check_known(word: str, known: Any, problem: str, label: str) -> None:
    if word not in known:
        hint = suggest(word, known, otherwise=f"; {label}: {', '.join(known)}")
        raise AlertRulesError(f"{problem} {word!r}{hint}")
