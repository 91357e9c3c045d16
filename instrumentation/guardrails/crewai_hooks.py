"""Guardrails for CrewAI: hooks that are asked before each completion and tool call of a run."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from crewai.events.stream_context import add_stream_sink, reset_stream_sinks
from crewai.events.types.llm_events import LLMCallCompletedEvent
from crewai.hooks import HookAborted, InterceptionPoint
from crewai.hooks.dispatch import get_scoped_hooks, scoped_hooks
from crewai.types.usage_metrics import UsageMetrics

from instrumentation.guardrails.guardrail import GuardrailBlockedError
from instrumentation.guardrails.guardrails import Guardrails, coerce_arguments
from instrumentation.guardrails.token_budget import UnknownPriceError
from instrumentation.trace.span import Tokens


@contextmanager
def run_guarded(guardrails: Guardrails) -> Generator[None]:
    """Guard every crew, agent and flow that runs in the block; see `guard_crew`.

    CrewAI's hooks belong to a context, so a crew in another thread or task is not affected. The
    guardrails of an enclosing block go on to apply.
    """
    hooks = CrewHooks(guardrails)
    own = {
        InterceptionPoint.INPUT: hooks.redact_inputs,
        InterceptionPoint.PRE_MODEL_CALL: hooks.check_completion,
        InterceptionPoint.PRE_TOOL_CALL: hooks.check_call,
        InterceptionPoint.POST_TOOL_CALL: hooks.explain_block,
    }
    token = add_stream_sink(hooks.add_usage)
    try:
        with scoped_hooks({point: [*get_scoped_hooks(point), own[point]] for point in own}):
            yield
    except HookAborted as aborted:
        if isinstance(aborted.source, GuardrailBlockedError):
            raise aborted.source from aborted
        raise
    finally:
        reset_stream_sinks(token)


class CrewHooks:
    """The hooks of one run.

    CrewAI goes on after an error in a hook, as if there were none. So each error here blocks.
    """

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails
        self._error: UnknownPriceError | None = None
        self._reasons: dict[int, str] = {}
        """Why a call is blocked, by the identity of its arguments, which both hooks are given."""

    def redact_inputs(self, context: Any) -> Any:
        """Replace the inputs of a crew before it starts."""
        return self._or_abort(lambda: self._guardrails.redact(context.payload))

    def check_completion(self, context: Any) -> None:
        """Check the budget before a completion."""

        def check() -> None:
            if self._error:
                raise self._error
            self._guardrails.check_completion()

        self._or_abort(check)

    def check_call(self, context: Any) -> bool | None:
        """Check a tool call; False makes CrewAI skip it."""
        try:
            schema = getattr(context.tool, "args_schema", None)
            arguments = coerce_arguments(schema, context.tool_input)
            self._guardrails.check_call(context.tool_name, arguments)
        except GuardrailBlockedError as error:
            reason = str(error)
        except Exception as error:  # CrewAI would make the call
            reason = f"blocked: a guardrail failed ({type(error).__name__}); do not call it again"
        else:
            return None
        self._reasons[id(context.tool_input)] = reason
        return False

    def explain_block(self, context: Any) -> str | None:
        """Give the model the reason, where CrewAI says only that a hook has blocked the call."""
        return self._reasons.pop(id(context.tool_input), None)

    def add_usage(self, _source: Any, event: Any) -> None:
        """Count the tokens of a completion, when CrewAI reports its end.

        An error would break CrewAI's reports, so it is raised by the next check.
        """
        if not isinstance(event, LLMCallCompletedEvent):
            return
        usage = UsageMetrics.from_provider_dict(event.usage) or UsageMetrics()
        tokens = Tokens(usage.prompt_tokens, usage.completion_tokens)
        try:
            self._guardrails.add_usage(event.model or "", tokens)
        except UnknownPriceError as error:
            self._error = error

    def _or_abort(self, check: Callable[[], Any]) -> Any:
        """Run a check. Raises `HookAborted`, which ends the run, if it blocks or fails."""
        try:
            return check()
        except GuardrailBlockedError as error:
            raise HookAborted(str(error), source=error) from error
        except Exception as error:  # CrewAI would go on
            raise HookAborted(f"blocked: a guardrail failed: {error}") from error
