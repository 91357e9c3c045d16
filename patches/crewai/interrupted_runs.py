"""Record work of CrewAI that fails before its start event, or without an end event.

CrewAI emits a failure event only for an `Exception`. After a cancellation or Ctrl-C its spans would
stay open, the trace would never be stored, and the next run in the same context would become part
of it. An agent or a flow that rejects its inputs fails before it emits anything. The failure event
of a background save to memory comes after its context has ended. The kickoffs of crews are wrapped
by `kickoff_callbacks_in_crew_span.py`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from patches.crewai.spans.early_failures import (
    open_agent_span,
    open_flow_span,
    record_early_failure,
)
from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_call
from patches.support.span_lifetime import end_spans_on_error


@contextmanager
def _run_series(*_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error():
        yield ignore_result


@contextmanager
def _run_agent(agent: Any, messages: Any = None, *_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error(), record_early_failure(open_agent_span, agent, messages):
        yield ignore_result


@contextmanager
def _run_flow(flow: Any, inputs: Any = None, *_: Any, **__: Any) -> Generator[OnResult]:
    with end_spans_on_error(), record_early_failure(open_flow_span, flow, inputs):
        yield ignore_result


PATCH = Patch(
    name="crewai.interrupted_runs",
    symptom=(
        "an agent or a flow that rejects its inputs, or is cancelled, leaves no trace; a save to"
        " memory that fails in the background is abandoned without its error"
    ),
    upstream="crewai.Agent.kickoff, crewai.Flow.kickoff_async (`except Exception`)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="a cancelled akickoff emits crew_kickoff_failed",
    canary="tests/patches/crewai/test_interrupted_runs.py"
    "::test_upstream_crewai_emits_a_failure_for_a_cancelled_crew",
    methods={  # a plain function that returns a coroutine gets it from a wrapped one
        "crewai:Agent.kickoff": ("self, messages", partial(wrap_call, _run_agent)),
        "crewai:Agent.kickoff_async": ("self, messages", partial(wrap_call, _run_agent)),
        "crewai.flow.flow:Flow.kickoff_async": ("self, inputs", partial(wrap_call, _run_flow)),
        "crewai:Crew.replay": ("self", partial(wrap_call, _run_series)),
        "crewai:Crew.train": ("self", partial(wrap_call, _run_series)),
        "crewai:Crew.test": ("self", partial(wrap_call, _run_series)),
        "crewai:Memory._background_encode_batch": ("self", partial(wrap_call, _run_series)),
    },
)
