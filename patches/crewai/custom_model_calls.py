"""Record completions of custom model classes (subclasses of BaseLLM) that emit no events.

CrewAI's own model classes emit the events of a completion themselves. A subclass of `BaseLLM` need
only define `call`, and then emits none. If CrewAI executes the tool call of a reply, it reports the
outcome of the tool as that of the completion, and sometimes nothing after that.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from patches.crewai.spans.completion_span import CompletionSpan
from patches.crewai.spans.event_span import ExpectedStart
from patches.patch import Patch
from patches.support.autolog_wrappers import is_autolog_on
from patches.support.call_wrapping import OnResult, wrap_call
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import end_spans_on_error


def _wrap_call(call: Callable[..., Any]) -> Callable[..., Any]:
    return wrap_call(partial(_recording_call, call.__module__.startswith("crewai.")), call)


@contextmanager
def _recording_call(
    emits_events: bool, model: Any, *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    """Open a span if the model's class may emit no events; end what the call leaves open."""
    results: list[Any] = []
    with end_spans_on_error() as outer:
        is_open = isinstance(outer, CompletionSpan) and outer.owner is model
        if is_autolog_on("crewai") and not (emits_events or is_open):
            CompletionSpan(model, _expected_start(model, args, kwargs)).activate()
        yield results.append
    span = OpenSpan.innermost()
    if isinstance(span, CompletionSpan) and span is not outer and span.owner is model:
        span.record_reply(results[0])
        span.end()
        span.deactivate()


def _expected_start(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ExpectedStart:
    from crewai.utilities.serialization import to_serializable

    return ExpectedStart(
        type="llm_call_started",
        call_id=None,
        messages=to_serializable(args[0] if args else kwargs.get("messages")),
        tools=to_serializable(args[1] if len(args) > 1 else kwargs.get("tools")),
        model=model.model,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
    )


PATCH = Patch(
    name="crewai.custom_model_calls",
    symptom="the completions of a model class that only defines `call` leave no span",
    upstream="crewai.llms.base_llm.BaseLLM (`call` emits no events, its implementations do)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="CrewAI emits the events of a completion around `call`, for each class",
    canary="tests/patches/crewai/test_model_calls.py"
    "::test_upstream_crewai_emits_the_completion_of_a_class_that_defines_call",
    methods={
        "crewai:BaseLLM.call": ("self, messages, tools", _wrap_call),
        "crewai:BaseLLM.acall": ("self, messages, tools", _wrap_call),
    },
)
