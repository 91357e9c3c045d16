"""Put guardrails around a crew, an AutoGen agent or a client of the `openai` package."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from instrumentation.guardrails.guardrails import Guardrails


def guard_crew(guardrails: Guardrails) -> AbstractContextManager[None]:
    """Guard the crews, agents and flows of CrewAI that run in the block.

        with guard_crew(Guardrails(CircuitBreaker(), TokenBudget(max_tokens=50_000))):
            crew.kickoff(inputs)

    The crew's inputs are redacted, the budget is checked before each completion, and each tool call
    before it is made. The model reads the reason of a blocked call as its result. A spent budget
    ends the run: the block raises `GuardrailBlockedError`.

    Runs in other threads and tasks are not affected.
    """
    from instrumentation.guardrails.crewai_hooks import run_guarded  # imports CrewAI: seconds

    return run_guarded(guardrails)


def guarded(target: Any, guardrails: Guardrails, *, model: str = "") -> Any:
    """Return a guarded copy of a client, tool or workbench; the original stays as it is.

        agent = AssistantAgent(
            "payer", guarded(client, guardrails), tools=guarded([read_invoice, pay], guardrails)
        )
        client = guarded(AsyncOpenAI(), guardrails)

    The copy belongs to one run. Its completions raise `GuardrailBlockedError` when the budget is
    spent, its tools give the model the reason of a blocked call.

    Args:
        target: A client of `openai`; or a model client, a tool, a function or a workbench for an
            agent of AutoGen; or a list of such.
        model: The model of an AutoGen client, whose price a budget in dollars needs: AutoGen does
            not make it public.

    Raises:
        TypeError: The target is none of these.
    """
    if isinstance(target, Sequence) and not isinstance(target, str):
        return [guarded(one, guardrails, model=model) for one in target]
    packages = {base.__module__.partition(".")[0] for base in type(target).__mro__}
    if "openai" in packages:
        from instrumentation.guardrails import openai_budget

        return openai_budget.guard_client(target, guardrails)
    if "autogen_core" in packages or callable(target):
        from instrumentation.guardrails.guarded_autogen_parts import guard_agent_part

        return guard_agent_part(target, guardrails, model)
    raise TypeError(
        "expected a client of openai, or a model client, tool, function or workbench of AutoGen;"
        f" found {type(target).__name__}"
    )
