"""A table of alerts: the one of the house, and how a team's own is read from a TOML file."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from instrumentation.alerts.alert_rule import EACH, AlertRule
from instrumentation.alerts.measured_unit import RUN, UNIT_KINDS
from instrumentation.alerts.measures import MEASURES

AGGREGATES = (EACH, "total", "mean", "share")
UNITS = (RUN, *UNIT_KINDS.values())
PERCENTILE = re.compile(r"p(?!0+$)(\d{1,2}|100)")
FIELD_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "at_most": (int, float),
    "at_least": (int, float),
    "tags": dict,
    "needs": int,
    "optional": bool,
}
"""What a key takes that takes no text."""

DEFAULT_ALERT_RULES = (
    AlertRule("failed runs", "failed", taken="share", at_most=0.05),
    AlertRule(
        "failed completions",
        "failed",
        unit="completion",
        taken="share",
        at_most=0.05,
        optional=True,
    ),
    AlertRule("slow run", "latency_ms", at_most=120_000, optional=True),
    AlertRule("slow runs", "latency_ms", taken="p95", at_most=30_000, needs=20, optional=True),
    AlertRule("tokens of a run", "tokens", at_most=100_000, optional=True),
    AlertRule("cost of a run", "cost_usd", at_most=1.0, optional=True),
    AlertRule("loop", "repeats", at_most=2, optional=True),
    AlertRule("lost handoff", "handoff_share", at_least=0.5, optional=True),
)
"""The table that is used where none is named. What may well be absent, as handoffs are from a chat,
is optional here; a total over the window has no place, for nobody knows how long a window is."""


class AlertRulesError(Exception):
    """Raised when a file is no table of alerts; says where, and what would be one."""


def load_alert_rules(path: Path) -> tuple[AlertRule, ...]:
    """The alerts of a TOML file, each an `[[alert]]` with the fields of `Alert`.

    Raises `NoTable` for whatever would make an alert that watches something else than was meant:
    an unknown key, a threshold that is missing or of the wrong type, two alerts of one name.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AlertRulesError(f"{path}: cannot be read as TOML ({error})") from error
    lines = found.pop("alert", None)
    if found or not isinstance(lines, list) or not lines:
        odd = f"; not {', '.join(found)}" if found else ""
        raise AlertRulesError(f"{path}: a table of alerts has one [[alert]] after another{odd}")
    table = tuple(_parse_rule(line, f"{path}: alert {n}") for n, line in enumerate(lines, 1))
    names = [alert.name for alert in table]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise AlertRulesError(f"{path}: two alerts have the name {twice[0]!r}")
    return table


def _parse_rule(line: Any, source: str) -> AlertRule:
    if not isinstance(line, dict):
        raise AlertRulesError(
            f"{source}: expected name = …, measure = … and a threshold; not {line!r}"
        )
    known = {field.name: field for field in fields(AlertRule)}
    for key, value in line.items():
        _check_known(key, known, f"{source}: no field", "fields")
        _check_type(key, value, source)
    for key, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and not line.get(key):
            raise AlertRulesError(f"{source}: has no {key}")
    alert = AlertRule(**line)
    _check_known(alert.measure, MEASURES, f"{source}: no measure", "measures")
    _check_known(alert.unit or RUN, UNITS, f"{source}: no unit", "units")
    if not PERCENTILE.fullmatch(alert.taken):
        _check_known(
            alert.taken, AGGREGATES, f"{source}: nothing is taken", "it is a percentile, as p95, or"
        )
    _check_limits(alert, source)
    return alert


def _check_type(key: str, value: Any, where: str) -> None:
    wanted = FIELD_TYPES.get(key, str)
    # bool is an int to Python, and no threshold
    is_one = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    texts = value.values() if isinstance(value, dict) else ()
    if not is_one or not all(isinstance(text, str) for text in texts):
        what = {str: "a text", int: "a whole number", bool: "true or false", dict: "texts by name"}
        told = what.get(wanted, "a number") if isinstance(wanted, type) else "a number"
        raise AlertRulesError(f"{where}: {key} takes {told}; not {value!r}")


def _check_limits(alert: AlertRule, where: str) -> None:
    if (alert.at_most is None) == (alert.at_least is None):
        raise AlertRulesError(
            f"{where}: {alert.name!r} needs a threshold: at_most = …, or at_least = …"
        )
    if not math.isfinite(alert.excess(0.0)):
        raise AlertRulesError(
            f"{where}: {alert.name!r} would never alarm, or always; give it a number"
        )
    if alert.taken == "share" and alert.measure != "failed":
        raise AlertRulesError(
            f"{where}: a share is of what failed; of {alert.measure}, take the mean"
        )
    if alert.needs < 1:
        raise AlertRulesError(
            f"{where}: {alert.name!r} needs at least one reading; not {alert.needs}"
        )
    if alert.unit and MEASURES[alert.measure].measure_run:
        raise AlertRulesError(
            f"{where}: {alert.measure} finds its units itself; leave {alert.unit!r} out"
        )


def _check_known(word: str, words: Any, what: str, all_of: str) -> None:
    if word not in words:
        near = get_close_matches(word, words, n=1)
        hint = f"did you mean {near[0]}?" if near else f"{all_of}: {', '.join(words)}"
        raise AlertRulesError(f"{what} {word!r}; {hint}")
