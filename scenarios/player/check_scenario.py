"""Evaluate a scenario's expectations on existing traces, without running anything."""

from dataclasses import dataclass

from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.lookup import fetch_session
from scenarios.expectations import Expectation
from scenarios.player.scenario_loader import ScenarioNotFoundError, load_scenario, scenario_folder
from scenarios.player.verdict import VariantResult, Verdict, evaluate
from scenarios.scenario import VARIANTS, Scenario
from scenarios.traces.store.trace_argument import load_trace_argument
from scenarios.traces.store.tracking_uri import require_existing


@dataclass(frozen=True)
class TraceSource:
    """Which trace to check, and as which variant.

    Attributes:
        trace: A file with traces, each of which is checked, or the ID of one in the MLflow store.
        variant: The variant whose expectations apply. None: "fixed", or "twin" without a fixed
            variant; for recorded traces, each variant.
        session: A session in the store, with all its turns. Without `trace` and `session`, the
            traces recorded beside the scenario are checked.
    """

    trace: str | None
    variant: str | None
    tracking_uri: str
    session: str | None = None


def check_scenario(name: str, source: TraceSource) -> Verdict:
    """Evaluate the expectations of a scenario on the traces of a source.

    Raises:
        ScenarioNotFoundError: The scenario or the variant is unknown.
        TraceNotFoundError: There is no such trace, or it cannot be read.
    """
    scenario = load_scenario(name)
    if source.trace or source.session is not None:
        variant = source.variant or ("fixed" if scenario.fixed else "twin")
        checked = [(variant, trace) for trace in load_source(source)]
    else:
        variants = [source.variant] if source.variant else _variant_names(scenario)
        for variant in variants:
            _expectations(scenario, variant)  # reports an unknown variant before a file is read
        folder = scenario_folder(name)
        checked = [(variant, load_trace(folder.recorded_trace(variant))) for variant in variants]
    return Verdict(
        name,
        tuple(
            VariantResult(variant, trace, evaluate(trace, _expectations(scenario, variant)))
            for variant, trace in checked
        ),
    )


def load_source(source: TraceSource) -> tuple[Trace, ...]:
    """The trace of a session; else those that the argument `trace` names."""
    if source.session is not None:
        return (fetch_session(source.session, require_existing(source.tracking_uri)),)
    return load_trace_argument(str(source.trace), source.tracking_uri)


def _variant_names(scenario: Scenario) -> list[str]:
    return [variant for variant, _, _ in scenario.variants()]


def _expectations(scenario: Scenario, wanted: str) -> tuple[Expectation, ...]:
    for variant, _, expectations in scenario.variants():
        if variant == wanted:
            return expectations
    known = "" if wanted in VARIANTS else f" (a variant is one of {', '.join(VARIANTS)})"
    raise ScenarioNotFoundError(
        f"{scenario.name} has no variant {wanted!r};"
        f" it has {', '.join(_variant_names(scenario))}{known}"
    )
