"""A table of alerts: the one of the house, and how a team's own is read from a TOML file."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from instrumentation.alerts.alert_rule import EACH, Alert
from instrumentation.alerts.measured_unit import KINDS, RUN
from instrumentation.alerts.measures import MEASURES

TAKEN = (EACH, "total", "mean", "share")
UNITS = (RUN, *KINDS.values())
PERCENTILE = re.compile(r"p(?!0+$)(\d{1,2}|100)")
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "at_most": (int, float),
    "at_least": (int, float),
    "tags": dict,
    "needs": int,
    "optional": bool,
}
"""What a key takes that takes no text."""

HOUSE = (
    Alert("failed runs", "failed", taken="share", at_most=0.05),
    Alert(
        "failed completions",
        "failed",
        unit="completion",
        taken="share",
        at_most=0.05,
        optional=True,
    ),
    Alert("slow run", "latency_ms", at_most=120_000, optional=True),
    Alert("slow runs", "latency_ms", taken="p95", at_most=30_000, needs=20, optional=True),
    Alert("tokens of a run", "tokens", at_most=100_000, optional=True),
    Alert("cost of a run", "cost_usd", at_most=1.0, optional=True),
    Alert("loop", "repeats", at_most=2, optional=True),
    Alert("lost handoff", "handoff_share", at_least=0.5, optional=True),
)
"""The table that is used where none is named. What may well be absent, as handoffs are from a chat,
is optional here; a total over the window has no place, for nobody knows how long a window is."""


class NoTable(Exception):
    """Raised when a file is no table of alerts; says where, and what would be one."""


def read(path: Path) -> tuple[Alert, ...]:
    """The alerts of a TOML file, each an `[[alert]]` with the fields of `Alert`.

    Raises `NoTable` for whatever would make an alert that watches something else than was meant:
    an unknown key, a threshold that is missing or of the wrong type, two alerts of one name.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NoTable(f"{path}: cannot be read as TOML ({error})") from error
    lines = found.pop("alert", None)
    if found or not isinstance(lines, list) or not lines:
        odd = f"; not {', '.join(found)}" if found else ""
        raise NoTable(f"{path}: a table of alerts has one [[alert]] after another{odd}")
    table = tuple(_alert(line, f"{path}: alert {n}") for n, line in enumerate(lines, 1))
    names = [alert.name for alert in table]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise NoTable(f"{path}: two alerts have the name {twice[0]!r}")
    return table


def _alert(line: Any, where: str) -> Alert:
    if not isinstance(line, dict):
        raise NoTable(f"{where}: expected name = …, measure = … and a threshold; not {line!r}")
    known = {field.name: field for field in fields(Alert)}
    for key, value in line.items():
        _known(key, known, f"{where}: no field", "fields")
        _typed(key, value, where)
    for key, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and not line.get(key):
            raise NoTable(f"{where}: has no {key}")
    alert = Alert(**line)
    _known(alert.measure, MEASURES, f"{where}: no measure", "measures")
    _known(alert.unit or RUN, UNITS, f"{where}: no unit", "units")
    if not PERCENTILE.fullmatch(alert.taken):
        _known(alert.taken, TAKEN, f"{where}: nothing is taken", "it is a percentile, as p95, or")
    _limited(alert, where)
    return alert


def _typed(key: str, value: Any, where: str) -> None:
    wanted = TYPES.get(key, str)
    # bool is an int to Python, and no threshold
    is_one = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
    texts = value.values() if isinstance(value, dict) else ()
    if not is_one or not all(isinstance(text, str) for text in texts):
        what = {str: "a text", int: "a whole number", bool: "true or false", dict: "texts by name"}
        told = what.get(wanted, "a number") if isinstance(wanted, type) else "a number"
        raise NoTable(f"{where}: {key} takes {told}; not {value!r}")


def _limited(alert: Alert, where: str) -> None:
    if (alert.at_most is None) == (alert.at_least is None):
        raise NoTable(f"{where}: {alert.name!r} needs a threshold: at_most = …, or at_least = …")
    if not math.isfinite(alert.excess(0.0)):
        raise NoTable(f"{where}: {alert.name!r} would never alarm, or always; give it a number")
    if alert.taken == "share" and alert.measure != "failed":
        raise NoTable(f"{where}: a share is of what failed; of {alert.measure}, take the mean")
    if alert.needs < 1:
        raise NoTable(f"{where}: {alert.name!r} needs at least one reading; not {alert.needs}")
    if alert.unit and MEASURES[alert.measure].of_run:
        raise NoTable(f"{where}: {alert.measure} finds its units itself; leave {alert.unit!r} out")


def _known(word: str, words: Any, what: str, all_of: str) -> None:
    if word not in words:
        near = get_close_matches(word, words, n=1)
        hint = f"did you mean {near[0]}?" if near else f"{all_of}: {', '.join(words)}"
        raise NoTable(f"{what} {word!r}; {hint}")
