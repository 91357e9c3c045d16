"""A traced run of each lesson, imported from its trace, replays offline with the same outline."""

import asyncio

import pytest

from instrumentation import enable_tracing, record_run, trace_from_mlflow
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.outline import render_outline
from scenarios.player.scenario_loader import load_scenario, load_workflow, scenario_folder
from scenarios.player.variant_run import VariantRun
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from scenarios.traces.trace_import.traced_tape import TracedTape, import_trace

LESSONS = (
    "review_goes_well",
    "briefing_goes_well",
    "search_goes_well",
    "conversation_goes_well",
)


def run_lesson(scenario: str, tape: TracedTape, store: str) -> tuple[Trace, ReplayServer]:
    """Run the healthy variant of a lesson on a tape, in strict replay."""
    page = load_scenario(scenario)
    variant = VariantRun(page, "twin", page.twin, page.expect_twin, None)  # type: ignore[arg-type] # it has a twin
    workflow = load_workflow(page, variant.variant)
    with (
        enable_tracing(store),
        replay_tape(Tape.parse(tape.content)) as replay,
        record_run() as run,
    ):
        asyncio.run(variant.run(workflow, replay))
    return trace_from_mlflow(stored.to_dict() for stored in run.traces()), replay


@pytest.mark.parametrize("scenario", LESSONS)
def test_a_lesson_imported_from_its_trace_replays_with_the_same_outline(
    scenario: str, store: str
) -> None:
    recorded = load_trace(scenario_folder(scenario).recorded_trace("twin"))
    tape = import_trace(recorded)
    assert tape.is_complete
    replayed, replay = run_lesson(scenario, tape, store)
    assert render_outline(replayed) == render_outline(recorded)
    assert (replay.refusals, replay.unplayed_lines) == ((), ())
