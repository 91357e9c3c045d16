"""Telemetry: what a crew took in tokens, money and time, and what went wrong on the way."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step
from instrumentation.timeline import TimedStep, build_timeline
from instrumentation.trace.span import Tokens

PATH_SEPARATOR = " > "
"""What stands between the names of a path."""


@dataclass(frozen=True)
class Price:
    """What a model's endpoint charges, in US dollars for a million tokens."""

    input_usd_per_million: float
    output_usd_per_million: float

    def cost_usd(self, tokens: Tokens) -> float:
        """What these tokens cost, in US dollars."""
        given = tokens.input * self.input_usd_per_million
        return (given + tokens.output * self.output_usd_per_million) / 1e6


def telemetry_attributes(
    steps: Sequence[Step], prices: Mapping[str, Price] | None = None
) -> dict[str, object]:
    """Attributes for the root of a run, from the steps of its crews and their real replies.

    Tokens and cost by agent, task, tool and path; queue and work by path, in milliseconds, and the
    step that worked longest; failed attempts, retries and errors by class. A cost is left out
    where one of its completions went to a model without a price: nothing is ever counted as free.
    """
    by_name = {"agent": _group_by_agent, "task": _group_by_task, "path": _group_by_path}
    asked = [step for step in steps if step.kind == "completion"]
    groups = {kind: grouped(asked) for kind, grouped in by_name.items()}
    groups["tool"] = _group_by_tool(steps)
    told: dict[str, object] = {
        **_total_attributes(steps, asked),
        **_error_attributes(steps),
        **_time_attributes(steps),
    }
    for kind, group in groups.items():
        used = {name: _count_tokens(of) for name, of in group.items()}
        told[f"flight_recorder.telemetry.tokens_by_{kind}"] = used
        costs = {name: total_cost_usd(of, prices or {}) for name, of in group.items()}
        if known := {name: usd for name, usd in costs.items() if usd is not None}:
            told[f"flight_recorder.telemetry.cost_usd_by_{kind}"] = known
    if (total := total_cost_usd(asked, prices or {})) is not None:
        told["flight_recorder.crew.cost_usd"] = total
    return told


def total_cost_usd(completions: Sequence[Step], prices: Mapping[str, Price]) -> float | None:
    """What these completions cost, in US dollars; None if there are none, or a price is unknown."""
    if not completions or any(step.model not in prices for step in completions):
        return None
    return round(sum(prices[str(step.model)].cost_usd(step.tokens) for step in completions), 9)


def _total_attributes(steps: Sequence[Step], completions: Sequence[Step]) -> dict[str, object]:
    crews = [step for step in steps if step.kind == "crew"]
    turns = [step for step in steps if step.kind == "turn"]
    chars: Counter[str] = Counter()
    for turn in turns:
        chars[str(turn.agent)] += len(str(turn.result or ""))
    return {
        "flight_recorder.crew.total_duration_s": round(
            sum(step.duration_ns for step in crews) / 1e9, 6
        ),
        "flight_recorder.crew.task_count": sum(step.kind == "task" for step in steps),
        "flight_recorder.crew.agent_count": len(chars),
        "flight_recorder.crew.input_tokens": sum(step.tokens.input for step in completions),
        "flight_recorder.crew.output_tokens": sum(step.tokens.output for step in completions),
        **{f"flight_recorder.crew.{agent}.output_chars": count for agent, count in chars.items()},
    }


def _error_attributes(steps: Sequence[Step]) -> dict[str, object]:
    """What failed, each error counted where it arose and not again in the steps around it."""
    failed = [step for step in steps if step.error]
    arose = [step for step in failed if not any(step.contains(other) for other in failed)]
    classes = Counter(map(_error_class, arose))
    refused = Counter(name for step in steps for name in step.failed_attempts)
    retries = sum(max(0, (step.attempt_count or 1) - 1) for step in steps)
    told: dict[str, object] = {
        "flight_recorder.telemetry.error_count": len(arose),
        "flight_recorder.telemetry.retry_count": retries,
        "flight_recorder.telemetry.rate_limited_count": refused["HTTP 429"],
    }
    shown = {
        "flight_recorder.telemetry.errors": dict(classes),
        "flight_recorder.telemetry.failed_attempts": dict(refused),
    }
    return told | {key: counts for key, counts in shown.items() if counts}


def _error_class(step: Step) -> str:
    """The class with which an error begins; an objection of a guardrail is words alone."""
    first = str(step.error).partition(":")[0]
    return first if first.isidentifier() else f"{step.kind} failed"


def _time_attributes(steps: Sequence[Step]) -> dict[str, object]:
    timed = build_timeline(steps)
    if not timed:
        return {}
    longest = max(timed, key=lambda one: one.work_ns)
    whole = sum(one.work_ns for one in timed)
    share = longest.work_ns / whole if whole else 0.0
    where = PATH_SEPARATOR.join(longest.step.path)
    return {
        "flight_recorder.telemetry.queue_ms": _sum_by_path((one, one.queue_ns) for one in timed),
        "flight_recorder.telemetry.work_ms": _sum_by_path((one, one.work_ns) for one in timed),
        "flight_recorder.telemetry.bottleneck": f"{where}: {share:.0%} of all work, {longest.work_ns / 1e9:.3f} s",
    }


def _sum_by_path(times: Iterable[tuple[TimedStep, int]]) -> dict[str, float]:
    by_path: Counter[str] = Counter()
    for one, spent_ns in times:
        by_path[PATH_SEPARATOR.join(one.step.path)] += spent_ns
    return {path: round(spent_ns / 1e6, 3) for path, spent_ns in by_path.items()}


def _group_by_agent(completions: Sequence[Step]) -> dict[str, list[Step]]:
    return _group_steps((step.agent, step) for step in completions)


def _group_by_task(completions: Sequence[Step]) -> dict[str, list[Step]]:
    return _group_steps((step.task, step) for step in completions)


def _group_by_path(completions: Sequence[Step]) -> dict[str, list[Step]]:
    return _group_steps((PATH_SEPARATOR.join(step.path[:-1]), step) for step in completions)


def _group_by_tool(steps: Sequence[Step]) -> dict[str, list[Step]]:
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
        led += [(call.tool, step) for step in asked if call.contains(step)]
        led += [(call.tool, step) for step in (next(reads, None),) if step is not None]
    return _group_steps(led)


def _group_steps(named: Iterable[tuple[str | None, Step]]) -> dict[str, list[Step]]:
    """The steps by name, each once."""
    groups: dict[str, dict[int, Step]] = {}
    for name, step in named:
        groups.setdefault(name or "nobody", {})[id(step)] = step
    return {name: list(group.values()) for name, group in groups.items()}


def _count_tokens(completions: Sequence[Step]) -> dict[str, int]:
    used = sum((step.tokens for step in completions), Tokens())
    return {"input": used.input, "output": used.output}
