"""A check: a scenario's expectations, held against traces that were recorded; nothing is run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from instrumentation.trace import canonical_json
from instrumentation.trace.lookup import from_store, session_from_store
from instrumentation.trace.trace import NoTrace, Trace, from_mlflow
from scenarios.expectations import Expectation
from scenarios.player.scenario_loader import NoScenario, folder, load
from scenarios.player.verdict import Seen, Verdict, judged
from scenarios.scenario import VARIANTS, Scenario
from scenarios.trace_store.tracking_uri import reachable


@dataclass(frozen=True)
class Recording:
    """Which trace to check: a JSON file, the id of a trace in the MLflow store, all turns of a
    `session` there, or, without these, what is committed beside the scenario; and as which
    variant."""

    trace: str | None
    variant: str | None
    tracking_uri: str
    session: str | None = None


def check(name: str, recording: Recording) -> Verdict:
    """Hold the expectations of a scenario against a recording of it.

    Raises `NoScenario` for an unknown name or variant, `NoTrace` where there is nothing to read.
    """
    scenario = load(name)
    if recording.trace or recording.session is not None:
        variant = recording.variant or ("fixed" if scenario.fixed else "twin")
        expected = {variant: _expectations(scenario, variant)}
        found = {variant: _opened(recording)}
    else:
        wanted = [recording.variant] if recording.variant else None
        expected = {v: _expectations(scenario, v) for v in wanted or _given(scenario)}
        found = {v: canonical_json.read(folder(name).recorded(v)) for v in expected}
    return Verdict(name, tuple(Seen(v, found[v], judged(found[v], expected[v])) for v in expected))


def _opened(recording: Recording) -> Trace:
    """The trace that a person names: a session's, else a file if there is one, else an id."""
    if recording.session is not None:
        return session_from_store(recording.session, reachable(recording.tracking_uri))
    path = Path(str(recording.trace))
    is_file = _is_file(path)
    if not is_file and (path.suffix or "/" in str(path)):
        raise NoTrace(f"{path}: no such file; --trace takes a JSON file, or the id of a trace")
    if not is_file:
        return from_store(str(recording.trace), reachable(recording.tracking_uri))
    try:
        text = path.read_text("utf-8")
        exported = json.loads(text)
        if not isinstance(exported, dict) or "data" not in exported:
            return canonical_json.loads(text, str(path))
        return from_mlflow([exported])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoTrace(f"{path}: no exported trace ({type(error).__name__}: {error})") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is too long for one
        return False


def _given(scenario: Scenario) -> Iterator[str]:
    return (variant for variant, _, _ in scenario.variants())


def _expectations(scenario: Scenario, wanted: str) -> tuple[Expectation, ...]:
    for variant, _, expectations in scenario.variants():
        if variant == wanted:
            return expectations
    has = ", ".join(_given(scenario))
    known = "" if wanted in VARIANTS else f" (a variant is one of {', '.join(VARIANTS)})"
    raise NoScenario(f"{scenario.name} has no variant {wanted!r}; it has {has}{known}")
