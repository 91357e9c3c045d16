"""Telemetry attributes of a crew's run: tokens, cost, durations, errors and retries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instrumentation.steps.step import Step
from instrumentation.steps.step_times import TimedStep, build_timeline
from instrumentation.trace.span import Tokens

PATH_SEPARATOR = " > "


@dataclass(frozen=True)
class Price:
    """The price of a model, in US dollars per million tokens."""

    input_usd_per_million: float
    output_usd_per_million: float

    def cost_usd(self, tokens: Tokens) -> float:
        input_usd = tokens.input * self.input_usd_per_million
        return (input_usd + tokens.output * self.output_usd_per_million) / 1e6


def telemetry_attributes(
    steps: Sequence[Step], prices: Mapping[str, Price] | None = None
) -> dict[str, object]:
    """Compute attributes for the root span of a run.

    Args:
        steps: The steps of the run, from `collect_steps` or `steps_from_trace`.
        prices: The price of each model. A cost is left out if the model of one of its completions
            has no price, so that no completion is counted as free.

    Returns:
        Attributes that begin with `flight_recorder.`: `telemetry.tokens_by_*` and
        `telemetry.cost_usd_by_*` (by agent, task, tool and path), `telemetry.queue_ms` and
        `telemetry.work_ms` (by path), `telemetry.bottleneck`, counts of errors, retries and rate
        limits, and totals in `crew.*`.
    """
    completions = [step for step in steps if step.kind == "completion"]
    groupings = {
        "agent": _group_steps((step.agent, step) for step in completions),
        "task": _group_steps((step.task, step) for step in completions),
        "path": _group_steps((PATH_SEPARATOR.join(step.path[:-1]), step) for step in completions),
        "tool": _group_by_tool(steps),
    }
    attributes: dict[str, object] = {
        **_total_attributes(steps, completions),
        **_error_attributes(steps),
        **_time_attributes(steps),
    }
    for grouping, groups in groupings.items():
        tokens = {name: _count_tokens(group) for name, group in groups.items()}
        attributes[f"flight_recorder.telemetry.tokens_by_{grouping}"] = tokens
        costs = {name: total_cost_usd(group, prices or {}) for name, group in groups.items()}
        if known := {name: usd for name, usd in costs.items() if usd is not None}:
            attributes[f"flight_recorder.telemetry.cost_usd_by_{grouping}"] = known
    if (total := total_cost_usd(completions, prices or {})) is not None:
        attributes["flight_recorder.crew.cost_usd"] = total
    return attributes


def total_cost_usd(completions: Sequence[Step], prices: Mapping[str, Price]) -> float | None:
    """The cost of completions. None if there are none, or if the price of a model is unknown."""
    if not completions or any(step.model not in prices for step in completions):
        return None
    costs = (prices[str(step.model)].cost_usd(step.tokens) for step in completions)
    return round(sum(costs), 9)


def _total_attributes(steps: Sequence[Step], completions: Sequence[Step]) -> dict[str, object]:
    crews = [step for step in steps if step.kind == "crew"]
    output_chars: Counter[str] = Counter()
    for turn in (step for step in steps if step.kind == "turn"):
        output_chars[str(turn.agent)] += len(str(turn.result or ""))
    return {
        "flight_recorder.crew.total_duration_s": round(
            sum(step.duration_ns for step in crews) / 1e9, 6
        ),
        "flight_recorder.crew.task_count": sum(step.kind == "task" for step in steps),
        "flight_recorder.crew.agent_count": len(output_chars),
        "flight_recorder.crew.input_tokens": sum(step.tokens.input for step in completions),
        "flight_recorder.crew.output_tokens": sum(step.tokens.output for step in completions),
        **{
            f"flight_recorder.crew.{agent}.output_chars": count
            for agent, count in output_chars.items()
        },
    }


def _error_attributes(steps: Sequence[Step]) -> dict[str, object]:
    """Errors, each counted where it occurred and not again in the enclosing steps."""
    failed = [step for step in steps if step.error]
    innermost = [step for step in failed if not any(step.contains(other) for other in failed)]
    classes = Counter(map(_error_class, innermost))
    failed_attempts = Counter(name for step in steps for name in step.failed_attempts)
    retries = sum(max(0, (step.attempt_count or 1) - 1) for step in steps)
    attributes: dict[str, object] = {
        "flight_recorder.telemetry.error_count": len(innermost),
        "flight_recorder.telemetry.retry_count": retries,
        "flight_recorder.telemetry.rate_limited_count": failed_attempts["HTTP 429"],
    }
    details = {
        "flight_recorder.telemetry.errors": dict(classes),
        "flight_recorder.telemetry.failed_attempts": dict(failed_attempts),
    }
    return attributes | {key: counts for key, counts in details.items() if counts}


def _error_class(step: Step) -> str:
    """The class name that an error begins with; the error of a guardrail has none."""
    prefix = str(step.error).partition(":")[0]
    return prefix if prefix.isidentifier() else f"{step.kind} failed"


def _time_attributes(steps: Sequence[Step]) -> dict[str, object]:
    timeline = build_timeline(steps)
    if not timeline:
        return {}
    longest = max(timeline, key=lambda timed: timed.work_ns)
    total_ns = sum(timed.work_ns for timed in timeline)
    share = longest.work_ns / total_ns if total_ns else 0.0
    path, longest_s = PATH_SEPARATOR.join(longest.step.path), longest.work_ns / 1e9
    bottleneck = f"{path}: {share:.0%} of all work, {longest_s:.3f} s"
    return {
        "flight_recorder.telemetry.queue_ms": _sum_by_path(
            (timed, timed.queue_ns) for timed in timeline
        ),
        "flight_recorder.telemetry.work_ms": _sum_by_path(
            (timed, timed.work_ns) for timed in timeline
        ),
        "flight_recorder.telemetry.bottleneck": bottleneck,
    }


def _sum_by_path(durations: Iterable[tuple[TimedStep, int]]) -> dict[str, float]:
    by_path: Counter[str] = Counter()
    for timed, duration_ns in durations:
        by_path[PATH_SEPARATOR.join(timed.step.path)] += duration_ns
    return {path: round(duration_ns / 1e6, 3) for path, duration_ns in by_path.items()}


def _group_by_tool(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """The completions that the calls of each tool caused.

    These are the completions inside a call, and the next one of the turn, which reads the result.
    A completion that reads the results of two tools counts for both.
    """
    caused: list[tuple[str | None, Step]] = []
    completions = [step for step in steps if step.kind == "completion"]
    for call in (step for step in steps if step.kind == "tool"):
        readers = (
            step
            for step in completions
            if step.path[:-1] == call.path[:-1] and step.started_ns >= call.ended_ns
        )
        caused += [(call.tool, step) for step in completions if call.contains(step)]
        caused += [(call.tool, step) for step in (next(readers, None),) if step is not None]
    return _group_steps(caused)


def _group_steps(named: Iterable[tuple[str | None, Step]]) -> dict[str, list[Step]]:
    """The steps by name, without duplicates."""
    groups: dict[str, dict[int, Step]] = {}
    for name, step in named:
        groups.setdefault(name or "nobody", {})[id(step)] = step
    return {name: list(group.values()) for name, group in groups.items()}


def _count_tokens(completions: Sequence[Step]) -> dict[str, int]:
    total = sum((step.tokens for step in completions), Tokens())
    return {"input": total.input, "output": total.output}
