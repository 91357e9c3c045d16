"""The file of a quality gate: which traces it reads, and the thresholds that they must meet.

    [traces]
    experiment = "shop"
    since = "2h"

    [evaluation.at_least]
    no_finding = 0.9

    [diagnosis]
    max_findings = 0

    [alerts]

    [cost]
    usd_per_run = 0.05

A section that is missing is not checked.
"""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from instrumentation.alerts import AlertRule
from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.alerts.alert_rules_file import load_alert_rules
from instrumentation.diagnosis.detectors import DETECTORS
from instrumentation.input_file import read_input_text
from scenarios.monitoring.quality_gate.gate_source import KEYS, GateFileError, GateSource
from scenarios.traces.store.time_window import InvalidTimeError, parse_since

COST_MEASURES = {
    "usd_total": ("cost_usd", "total"),
    "usd_per_run": ("cost_usd", "mean"),
    "tokens_total": ("tokens", "total"),
    "tokens_per_run": ("tokens", "mean"),
}


@dataclass(frozen=True)
class Threshold:
    """A limit of a scorer's mean, or of `scorer/aggregation`."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def limit(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}"

    @property
    def condition(self) -> str:
        """The threshold in the language of MLflow's `quality_criteria`."""
        if self.at_least is not None:
            return f"`{self.metric}` >= {self.at_least}"
        return f"`{self.metric}` <= {self.at_most}"

    def is_met(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return value <= (self.at_most or 0.0)


@dataclass(frozen=True)
class EvaluationCriteria:
    """What scorers must say of the traces.

    Attributes:
        expectations: A Python file with `EXPECTATIONS`, for the scorer `meets_expectations`.
        scorers: A Python file with `SCORERS`, a list of MLflow's scorers.
        baseline: The id of an evaluation run; no scorer may be significantly worse than in it.
    """

    thresholds: tuple[Threshold, ...]
    expectations: Path | None = None
    scorers: Path | None = None
    baseline: str = ""


@dataclass(frozen=True)
class QualityGate:
    """The contents of a file; None for a section that it does not have.

    Attributes:
        source: The file and its text, for error messages.
        min_traces: With fewer finished traces the gate is not evaluated.
        allowed: Failure modes that do not count.
    """

    source: GateSource
    since: str = "1d"
    experiment: str = ""
    with_scenarios: bool = False
    min_traces: int = 1
    evaluation: EvaluationCriteria | None = None
    max_findings: int | None = None
    allowed: tuple[str, ...] = ()
    alerts: tuple[AlertRule, ...] = ()
    cost: tuple[AlertRule, ...] = ()
    start: datetime = field(default_factory=datetime.now)


def load_gate(path: Path) -> QualityGate:
    """Read the file of a gate.

    Raises:
        GateFileError: It is not TOML, has an unknown key or a value of the wrong type, or checks
            nothing.
        AlertRulesError: The file of alert rules that it names is invalid.
    """
    try:
        text = read_input_text(path)
        document = tomllib.loads(text)
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); name a TOML file"
        raise GateFileError(message) from error
    except (ValueError, RecursionError) as error:
        raise GateFileError(f"{path}: is not TOML: {error}; fix that place") from error
    source = GateSource(path, text)
    for section, table in document.items():
        source.check_key("", section, KEYS)
        if not isinstance(table, dict):
            raise source.error("", section, f"expected a section [{section}], found {table!r}")
        for key, value in table.items():
            source.check_key(section, key, KEYS[section])
            source.check_value(section, key, value)
    if not document.keys() - {"traces"}:
        raise GateFileError(
            f"{path}: checks nothing; add one of {', '.join(f'[{one}]' for one in KEYS)}"
        )
    return _build_gate(source, document)


def _build_gate(source: GateSource, document: Mapping[str, Any]) -> QualityGate:
    traces, diagnosis = document.get("traces", {}), document.get("diagnosis")
    since = traces.get("since", "1d")
    try:
        start = parse_since(since)
    except InvalidTimeError as error:
        raise source.error("traces", "since", str(error)) from error
    for mode in (diagnosis or {}).get("allowed", ()):
        source.check_name("diagnosis", "allowed", mode, list_modes(), "failure mode")
    rules: tuple[AlertRule, ...] = ()
    if (alerts := document.get("alerts")) is not None:
        file = source.find_file("alerts", "file", alerts)
        rules = load_alert_rules(file) if file else DEFAULT_ALERT_RULES
    return QualityGate(
        source=source,
        since=since,
        start=start,
        experiment=traces.get("experiment", ""),
        with_scenarios=traces.get("scenarios", False),
        min_traces=max(1, traces.get("at_least", 1)),
        evaluation=_build_criteria(source, document.get("evaluation")),
        max_findings=None if diagnosis is None else diagnosis.get("max_findings", 0),
        allowed=tuple((diagnosis or {}).get("allowed", ())),
        alerts=rules,
        cost=tuple(
            AlertRule(key, COST_MEASURES[key][0], value, aggregate=COST_MEASURES[key][1])
            for key, value in document.get("cost", {}).items()
        ),
    )


def _build_criteria(
    source: GateSource, section: Mapping[str, Any] | None
) -> EvaluationCriteria | None:
    if section is None:
        return None
    at_least, at_most = section.get("at_least", {}), section.get("at_most", {})
    if twice := sorted(at_least.keys() & at_most.keys()):
        raise source.error(
            "evaluation.at_most", twice[0], f"{twice[0]!r} has two limits; remove one of them"
        )
    if not at_least and not at_most:
        problem = "has no threshold; add [evaluation.at_least] with a line such as no_finding = 0.9"
        raise source.error("", "evaluation", f"[evaluation] {problem}")
    return EvaluationCriteria(
        tuple(Threshold(name, at_least=value) for name, value in at_least.items())
        + tuple(Threshold(name, at_most=value) for name, value in at_most.items()),
        source.find_file("evaluation", "expectations", section),
        source.find_file("evaluation", "scorers", section),
        section.get("baseline", ""),
    )


def list_modes() -> list[str]:
    """The failure modes that a diagnosis finds."""
    modules = (sys.modules[detector.__module__] for detector in DETECTORS)
    return list(dict.fromkeys(module.MODE for module in modules))
