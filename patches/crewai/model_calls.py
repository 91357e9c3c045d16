"""Record the calls of models whose class emits no events, and end each completion with its call.

CrewAI's own model classes emit the events of a completion themselves. A subclass of `BaseLLM` need
only define `call`, and then emits none. If CrewAI executes the tool call of a reply, it reports the
outcome of the tool as that of the completion, and sometimes nothing after that.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from types import SimpleNamespace
from typing import Any

from patches.crewai.call_spans import CompletionSpan
from patches.patch import Patch
from patches.support.open_span import OpenSpan
from patches.support.subclass_wrapping import wrap_in_all_subclasses


@contextmanager
def _apply() -> Generator[None]:
    from crewai import BaseLLM

    with (
        wrap_in_all_subclasses(BaseLLM, "call", _wrap_call),
        wrap_in_all_subclasses(BaseLLM, "acall", _wrap_call),
    ):
        yield


def _wrap_call(call: Callable[..., Any]) -> Callable[..., Any]:
    emits_events = call.__module__.startswith("crewai.")

    @wraps(call)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_call(self, args, kwargs, emits_events) as results:
            results.append(call(self, *args, **kwargs))
            return results[0]

    @wraps(call)
    async def async_wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _recording_call(self, args, kwargs, emits_events) as results:
            results.append(await call(self, *args, **kwargs))
            return results[0]

    return async_wrapper if iscoroutinefunction(call) else wrapper


@contextmanager
def _recording_call(
    model: Any, args: Sequence[Any], kwargs: Mapping[str, Any], emits_events: bool
) -> Generator[list[Any]]:
    """Open a span if the model's class may emit no events; end what the call leaves open.

    Yields:
        A list to which the block appends the result of the call.
    """
    from mlflow.utils.autologging_utils import autologging_is_disabled

    outer = OpenSpan.innermost()
    is_open = CompletionSpan.is_open_for(model) and outer is CompletionSpan.nearest()
    if not (emits_events or is_open or autologging_is_disabled("crewai")):
        CompletionSpan(model, _start_event(model, args, kwargs)).activate()
    results: list[Any] = []
    try:
        yield results
    except BaseException as error:
        OpenSpan.end_open_spans(outer, error)
        raise
    span = OpenSpan.innermost()
    if isinstance(span, CompletionSpan) and span is not outer and span.owner is model:
        span.record_reply(results[0])
        span.end()
        span.deactivate()


def _start_event(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> SimpleNamespace:
    """Return what a start event of the call would contain."""
    from crewai.utilities.serialization import to_serializable

    return SimpleNamespace(
        type="llm_call_started",
        call_id=None,
        messages=to_serializable(args[0] if args else kwargs.get("messages")),
        tools=to_serializable(args[1] if len(args) > 1 else kwargs.get("tools")),
        model=model.model,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
    )


PATCH = Patch(
    name="crewai.model_calls",
    symptom="the completions of a model class that only defines `call` leave no span",
    upstream="crewai.llms.base_llm.BaseLLM (`call` emits no events, its implementations do)",
    versions={"crewai": ">=1.15.29,<1.16"},
    delete_when="CrewAI emits the events of a completion around `call`, for each class",
    canary="tests/patches/crewai/test_model_calls.py"
    "::test_upstream_crewai_emits_the_completion_of_a_class_that_defines_call",
    apply=_apply,
)
