"""A check: a scenario's expectations, held against traces that were recorded; nothing is run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrumentation.trace import canonical_json
from instrumentation.trace.lookup import fetch_session, fetch_trace
from instrumentation.trace.trace import Trace, TraceNotFoundError, trace_from_mlflow
from scenarios.expectations import Expectation
from scenarios.player.scenario_loader import ScenarioNotFoundError, load_scenario, scenario_folder
from scenarios.player.verdict import VariantResult, Verdict, evaluate
from scenarios.scenario import VARIANTS, Scenario
from scenarios.trace_store.tracking_uri import require_reachable


@dataclass(frozen=True)
class TraceSource:
    """Which trace to check: a JSON file, the id of a trace in the MLflow store, all turns of a
    `session` there, or, without these, what is committed beside the scenario; and as which
    variant."""

    trace: str | None
    variant: str | None
    tracking_uri: str
    session: str | None = None


def check_scenario(name: str, source: TraceSource) -> Verdict:
    """Hold the expectations of a scenario against a recording of it.

    Raises `NoScenario` for an unknown name or variant, `NoTrace` where there is nothing to read.
    """
    scenario = load_scenario(name)
    if source.trace or source.session is not None:
        variant = source.variant or ("fixed" if scenario.fixed else "twin")
        expected = {variant: _expectations(scenario, variant)}
        found = {variant: _load_trace(source)}
    else:
        wanted = [source.variant] if source.variant else None
        expected = {v: _expectations(scenario, v) for v in wanted or _variant_names(scenario)}
        found = {
            v: canonical_json.load_trace(scenario_folder(name).recorded_trace(v)) for v in expected
        }
    return Verdict(
        name, tuple(VariantResult(v, found[v], evaluate(found[v], expected[v])) for v in expected)
    )


def _load_trace(source: TraceSource) -> Trace:
    """The trace that a person names: a session's, else a file if there is one, else an id."""
    if source.session is not None:
        return fetch_session(source.session, require_reachable(source.tracking_uri))
    path = Path(str(source.trace))
    is_file = _is_file(path)
    if not is_file and (path.suffix or "/" in str(path)):
        raise TraceNotFoundError(
            f"{path}: no such file; --trace takes a JSON file, or the id of a trace"
        )
    if not is_file:
        return fetch_trace(str(source.trace), require_reachable(source.tracking_uri))
    try:
        text = path.read_text("utf-8")
        exported = json.loads(text)
        if not isinstance(exported, dict) or "data" not in exported:
            return canonical_json.parse_trace(text, str(path))
        return trace_from_mlflow([exported])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceNotFoundError(
            f"{path}: no exported trace ({type(error).__name__}: {error})"
        ) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is too long for one
        return False


def _variant_names(scenario: Scenario) -> Iterator[str]:
    return (variant for variant, _, _ in scenario.variants())


def _expectations(scenario: Scenario, wanted: str) -> tuple[Expectation, ...]:
    for variant, _, expectations in scenario.variants():
        if variant == wanted:
            return expectations
    has = ", ".join(_variant_names(scenario))
    known = "" if wanted in VARIANTS else f" (a variant is one of {', '.join(VARIANTS)})"
    raise ScenarioNotFoundError(f"{scenario.name} has no variant {wanted!r}; it has {has}{known}")
