"""The governance of one run: guardrails, consequential calls, cost, personal data, and problems."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from instrumentation.governance.consequential_calls import (
    ConsequentialCall,
    list_consequential_calls,
)
from instrumentation.governance.guardrail_use import (
    GuardrailUse,
    LimitUse,
    measure_guardrails,
    name_of,
    value_of,
)
from instrumentation.redaction import DEFAULT_REDACTION
from instrumentation.trace.span import Span, Tokens
from instrumentation.trace.trace import Trace

BUDGET_GUARDRAIL, REDACTION_GUARDRAIL = "token_budget", "input_redaction"
REMOVED_PLACEHOLDER = re.compile(r"\[withheld: ([^\]]*)\]")
REDACTED_PLACEHOLDER = re.compile(r"\[redacted: ([^\]]*)\]")
"""What takes the place of personal data: in an input, and in whatever is stored."""


@dataclass(frozen=True)
class Governance:
    """What a run did, and what it was allowed to do.

    Attributes:
        actions: The calls of tools with consequences, in order.
        cost_usd: None if the price of a model is not known.
        removed: How often each kind of personal data was removed from the input.
        sent: In how many prompts each kind of personal data was sent to a model.
    """

    name: str
    trace_ids: tuple[str, ...]
    guardrails: tuple[GuardrailUse, ...]
    actions: tuple[ConsequentialCall, ...]
    completions: int
    tokens: Tokens
    cost_usd: float | None
    unmeasured: int
    removed: Mapping[str, int]
    sent: Mapping[str, int]

    @property
    def problems(self) -> tuple[str, ...]:
        """What the guardrails did not prevent, one sentence each."""
        return tuple(_list_problems(self))

    def find_guardrail(self, guardrail: str) -> GuardrailUse | None:
        return next((one for one in self.guardrails if one.name == guardrail), None)

    def to_json(self) -> dict[str, Any]:
        guardrails = [{"checks": one.checks, **asdict(one)} for one in self.guardrails]
        return asdict(self) | {"guardrails": guardrails, "problems": list(self.problems)}


def read_governance(trace: Trace, tools: Iterable[str] = ()) -> Governance:
    """Read the governance of a run from its trace.

    Args:
        tools: Tools with consequences, beside those that an authorization has a rule for. A call of
            one that nobody authorized is a problem.
    """
    checks = trace.spans_of_type("GUARDRAIL")
    completions = [span for span in trace if span.type in ("LLM", "CHAT_MODEL")]
    redactions = [check for check in checks if name_of(check) == REDACTION_GUARDRAIL]
    unmeasured = [value_of(check, "unmeasured_count") for check in checks]
    return Governance(
        name=trace.roots[-1].name,
        trace_ids=trace.ids,
        guardrails=measure_guardrails(checks),
        actions=list_consequential_calls(trace, tools),
        completions=len(completions),
        tokens=sum((span.tokens for span in completions), Tokens()),
        cost_usd=_sum_cost(completions),
        unmeasured=max((one for one in unmeasured if isinstance(one, int)), default=0),
        removed=dict(_count_removed(redactions)),
        sent=dict(_count_prompts(completions)),
    )


def _sum_cost(completions: list[Span]) -> float | None:
    costs = [span.cost_usd for span in completions]
    return sum(cost or 0.0 for cost in costs) if costs and None not in costs else None


def _count_removed(redactions: list[Span]) -> Counter[str]:
    """What each redaction put in place of personal data; an outer one may have done so before."""
    kinds: Counter[str] = Counter()
    for check in redactions:
        kinds += Counter(REMOVED_PLACEHOLDER.findall(str(check.outputs)))
        kinds -= Counter(REMOVED_PLACEHOLDER.findall(str(check.inputs)))
    return kinds


def _count_prompts(completions: list[Span]) -> Counter[str]:
    """The prompts with each kind of personal data, in traces that were redacted and others."""
    kinds: Counter[str] = Counter()
    for span in completions:
        prompt = str(DEFAULT_REDACTION.redact_value(span.inputs))
        kinds.update(set(REDACTED_PLACEHOLDER.findall(prompt)))
    return kinds


def _list_problems(governance: Governance) -> Iterator[str]:
    if not governance.guardrails:
        yield "the run has no guardrails"
    yield from _list_budget_problems(governance)
    for action in governance.actions:
        if not action.is_checked and action.outcome != "blocked":
            yield f"{action.tool} was called, and nobody was asked to authorize it"
        elif action.outcome == "made although blocked":
            yield f"{action.tool} was called although a guardrail had blocked the call"
    if governance.find_guardrail(REDACTION_GUARDRAIL):
        for kind, count in governance.sent.items():
            yield f"{kind}: sent to a model in {count} of {governance.completions} prompts"
    for guardrail in governance.guardrails:
        if guardrail.failed:
            yield f"{guardrail.name} failed in {guardrail.failed} of {guardrail.checks} checks"


def _list_budget_problems(governance: Governance) -> Iterator[str]:
    budget = governance.find_guardrail(BUDGET_GUARDRAIL)
    if budget is None:
        return
    for limit in budget.limits:
        used = _find_use(governance, limit)
        if used > limit.limit:
            yield f"the run used {used:g} {limit.unit}, and its limit is {limit.limit:g}"
    unchecked = governance.completions - budget.allowed
    if unchecked > 0:
        share = f"{unchecked} of {governance.completions} completions"
        yield f"{share} were requested without a check of the budget"
    if governance.unmeasured:
        yield f"{governance.unmeasured} completions reported no usage: the budget counted nothing"


def _find_use(governance: Governance, limit: LimitUse) -> float:
    """What the run has used in the end; its last completion comes after the last check."""
    if limit.unit == "tokens":
        return max(limit.count, governance.tokens.total)
    return max(limit.count, governance.cost_usd or 0.0)
