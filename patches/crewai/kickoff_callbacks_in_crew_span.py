"""Let a crew's span enclose its before- and after-kickoff callbacks, and end with their errors.

CrewAI emits the start event after the callbacks `before_kickoff_callbacks`, and the end event
before the callbacks `after_kickoff_callbacks`. Without this patch, an error in a before-callback
leaves no trace, an error in an after-callback leaves a trace with status OK, and completions in
either become separate traces.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from patches.crewai.spans.crew_spans import CrewSpan
from patches.crewai.spans.event_span import ExpectedStart
from patches.patch import Patch
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import OnResult, wrap_call
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import end_spans_on_error


@contextmanager
def _recording_kickoff(
    crew: Any,
    inputs: Any = None,
    input_files: Any = None,
    from_checkpoint: Any = None,
    *_: Any,
    **__: Any,
) -> Generator[OnResult]:
    """Open the span of the crew, and end it and what is still open inside it with the call."""
    span = None
    results: list[Any] = []
    with end_spans_on_error() as outer:
        if _starts_here(crew, outer) and from_checkpoint is None:
            start = ExpectedStart(type="crew_kickoff_started", inputs=inputs)
            span = CrewSpan(crew, start, ends_with_kickoff=True)
            span.activate()
        yield results.append
    if span is not None:
        OpenSpan.end_open_spans(span, None)
        span.record_result(results[0])
        span.end()
        span.deactivate()


def _starts_here(crew: Any, outer: OpenSpan | None) -> bool:
    """Return whether a kickoff runs the crew, and is not the call of `super().kickoff()`.

    A crew that streams runs in another call of its kickoff, which the stream makes.
    """
    is_super_call = isinstance(outer, CrewSpan) and outer.owner is crew and not outer.is_reported
    return is_autolog_on("crewai") and not (crew.stream or is_super_call)


PATCH = Patch(
    name="crewai.kickoff_callbacks_in_crew_span",
    symptom=(
        "a crew whose before_kickoff_callbacks raise, or that is cancelled, leaves no trace; one"
        " whose after_kickoff_callbacks raise is OK"
    ),
    upstream="crewai.crews.utils.prepare_kickoff; crewai.Crew.kickoff (`except Exception`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="the events of a crew enclose its callbacks, also if it is cancelled",
    canary="tests/patches/crewai/test_kickoff_callbacks_in_crew_span.py"
    "::test_upstream_crewai_emits_the_start_of_a_crew_before_its_callbacks",
    methods=dict.fromkeys(
        ("crewai:Crew.kickoff", "crewai:Crew.akickoff"),
        ("self, inputs, input_files, from_checkpoint", partial(wrap_call, _recording_kickoff)),
    ),
)
