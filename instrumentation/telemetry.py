"""Telemetry: what a crew took in tokens, money and time, and what went wrong on the way."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step
from instrumentation.timeline import Timed, timeline
from instrumentation.trace.span import Tokens

BETWEEN = " > "
"""What stands between the names of a path."""


@dataclass(frozen=True)
class Price:
    """What a model's endpoint charges, in US dollars for a million tokens."""

    input_usd_per_million: float
    output_usd_per_million: float

    def of(self, tokens: Tokens) -> float:
        """What these tokens cost, in US dollars."""
        given = tokens.input * self.input_usd_per_million
        return (given + tokens.output * self.output_usd_per_million) / 1e6


def telemetry(
    steps: Sequence[Step], prices: Mapping[str, Price] | None = None
) -> dict[str, object]:
    """Attributes for the root of a run, from the steps of its crews and their real replies.

    Tokens and cost by agent, task, tool and path; queue and work by path, in milliseconds, and the
    step that worked longest; failed attempts, retries and errors by class. A cost is left out
    where one of its completions went to a model without a price: nothing is ever counted as free.
    """
    by_name = {"agent": _by_agent, "task": _by_task, "path": _by_path}
    asked = [step for step in steps if step.kind == "completion"]
    groups = {kind: grouped(asked) for kind, grouped in by_name.items()}
    groups["tool"] = _by_tool(steps)
    told: dict[str, object] = {**_totals(steps, asked), **_mishaps(steps), **_times(steps)}
    for kind, group in groups.items():
        used = {name: _counted(of) for name, of in group.items()}
        told[f"telemetry.tokens_by_{kind}"] = used
        costs = {name: cost(of, prices or {}) for name, of in group.items()}
        if known := {name: usd for name, usd in costs.items() if usd is not None}:
            told[f"telemetry.cost_usd_by_{kind}"] = known
    if (total := cost(asked, prices or {})) is not None:
        told["crew.cost_usd"] = total
    return told


def cost(asked: Sequence[Step], prices: Mapping[str, Price]) -> float | None:
    """What these completions cost, in US dollars; None if there are none, or a price is unknown."""
    if not asked or any(step.model not in prices for step in asked):
        return None
    return round(sum(prices[str(step.model)].of(step.tokens) for step in asked), 9)


def _totals(steps: Sequence[Step], asked: Sequence[Step]) -> dict[str, object]:
    crews = [step for step in steps if step.kind == "crew"]
    turns = [step for step in steps if step.kind == "turn"]
    chars: Counter[str] = Counter()
    for turn in turns:
        chars[str(turn.agent)] += len(str(turn.result or ""))
    return {
        "crew.total_duration_s": round(sum(step.duration_ns for step in crews) / 1e9, 6),
        "crew.task_count": sum(step.kind == "task" for step in steps),
        "crew.agent_count": len(chars),
        "crew.input_tokens": sum(step.tokens.input for step in asked),
        "crew.output_tokens": sum(step.tokens.output for step in asked),
        **{f"{agent}.output_chars": count for agent, count in chars.items()},
    }


def _mishaps(steps: Sequence[Step]) -> dict[str, object]:
    """What failed, each error counted where it arose and not again in the steps around it."""
    failed = [step for step in steps if step.error]
    arose = [step for step in failed if not any(step.holds(other) for other in failed)]
    classes = Counter(map(_error_class, arose))
    refused = Counter(name for step in steps for name in step.refused)
    retries = sum(max(0, (step.attempts or 1) - 1) for step in steps)
    told: dict[str, object] = {
        "telemetry.error_count": len(arose),
        "telemetry.retry_count": retries,
        "telemetry.rate_limited_count": refused["HTTP 429"],
    }
    shown = {"telemetry.errors": dict(classes), "telemetry.failed_attempts": dict(refused)}
    return told | {key: counts for key, counts in shown.items() if counts}


def _error_class(step: Step) -> str:
    """The class with which an error begins; an objection of a guardrail is words alone."""
    first = str(step.error).partition(":")[0]
    return first if first.isidentifier() else f"{step.kind} failed"


def _times(steps: Sequence[Step]) -> dict[str, object]:
    timed = timeline(steps)
    if not timed:
        return {}
    longest = max(timed, key=lambda one: one.work_ns)
    whole = sum(one.work_ns for one in timed)
    share = longest.work_ns / whole if whole else 0.0
    where = BETWEEN.join(longest.step.path)
    return {
        "telemetry.queue_ms": _summed((one, one.queue_ns) for one in timed),
        "telemetry.work_ms": _summed((one, one.work_ns) for one in timed),
        "telemetry.bottleneck": f"{where}: {share:.0%} of all work, {longest.work_ns / 1e9:.3f} s",
    }


def _summed(times: Iterable[tuple[Timed, int]]) -> dict[str, float]:
    by_path: Counter[str] = Counter()
    for one, spent_ns in times:
        by_path[BETWEEN.join(one.step.path)] += spent_ns
    return {path: round(spent_ns / 1e6, 3) for path, spent_ns in by_path.items()}


def _by_agent(asked: Sequence[Step]) -> dict[str, list[Step]]:
    return _grouped((step.agent, step) for step in asked)


def _by_task(asked: Sequence[Step]) -> dict[str, list[Step]]:
    return _grouped((step.task, step) for step in asked)


def _by_path(asked: Sequence[Step]) -> dict[str, list[Step]]:
    return _grouped((BETWEEN.join(step.path[:-1]), step) for step in asked)


def _by_tool(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """By tool, the completions that its calls led to: those made inside a call, and the next one of
    the turn, which reads the result. One that reads the results of two tools counts for both."""
    led: list[tuple[str | None, Step]] = []
    for call in (step for step in steps if step.kind == "tool"):
        asked = [step for step in steps if step.kind == "completion"]
        reads = (
            step
            for step in asked
            if step.path[:-1] == call.path[:-1] and step.started_ns >= call.ended_ns
        )
        led += [(call.tool, step) for step in asked if call.holds(step)]
        led += [(call.tool, step) for step in (next(reads, None),) if step is not None]
    return _grouped(led)


def _grouped(named: Iterable[tuple[str | None, Step]]) -> dict[str, list[Step]]:
    """The steps by name, each once."""
    groups: dict[str, dict[int, Step]] = {}
    for name, step in named:
        groups.setdefault(name or "nobody", {})[id(step)] = step
    return {name: list(group.values()) for name, group in groups.items()}


def _counted(asked: Sequence[Step]) -> dict[str, int]:
    used = sum((step.tokens for step in asked), Tokens())
    return {"input": used.input, "output": used.output}
