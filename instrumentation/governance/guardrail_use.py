"""How a run used each of its guardrails: checks, blocks, and the highest counts against limits."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from instrumentation.trace.span import Span

GUARDRAIL_PREFIX = "flight_recorder.guardrail."
LIMITS = {
    "call_count": ("call_limit", "calls"),
    "repeat_count": ("repeat_limit", "calls with the same arguments"),
    "token_count": ("token_limit", "tokens"),
    "cost_usd": ("cost_limit_usd", "US dollars"),
}
"""For each count that a check records, its limit and its unit."""
COUNTED_AFTER_THE_CHECK = ("call_count", "repeat_count")
"""Counts of the calls before the one that is checked."""


@dataclass(frozen=True)
class LimitUse:
    """The highest count of a run against its limit; `tool` is "" if the limit is the run's."""

    tool: str
    unit: str
    count: float
    limit: float


@dataclass(frozen=True)
class GuardrailUse:
    """The checks of one guardrail.

    Attributes:
        failed: Checks without a verdict, because the guardrail itself failed.
        reasons: Why calls were blocked, and how often.
    """

    name: str
    allowed: int = 0
    blocked: int = 0
    failed: int = 0
    limits: tuple[LimitUse, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def checks(self) -> int:
        return self.allowed + self.blocked + self.failed


def measure_guardrails(checks: Iterable[Span]) -> tuple[GuardrailUse, ...]:
    """Measure each guardrail by its GUARDRAIL spans, in the order of their first check."""
    by_name: dict[str, list[Span]] = {}
    for check in checks:
        by_name.setdefault(name_of(check), []).append(check)
    return tuple(_measure(name, spans) for name, spans in by_name.items())


def name_of(check: Span) -> str:
    """The name of the guardrail that made a check."""
    return str(value_of(check, "name") or check.name)


def value_of(check: Span, name: str) -> object:
    """The attribute `flight_recorder.guardrail.{name}` of a check."""
    return check.attributes.get(f"{GUARDRAIL_PREFIX}{name}")


def is_blocked(check: Span) -> bool | None:
    """Whether a check blocked, or rejected a result; None if it has no verdict."""
    passed = value_of(check, "passed")
    return not passed if isinstance(passed, bool) else None


def _measure(name: str, checks: list[Span]) -> GuardrailUse:
    verdicts = Counter(map(is_blocked, checks))
    reasons = Counter(str(value_of(check, "reason")) for check in checks if is_blocked(check))
    return GuardrailUse(
        name,
        allowed=verdicts[False],
        blocked=verdicts[True],
        failed=verdicts[None],
        limits=_measure_limits(checks),
        reasons=dict(reasons),
    )


def _measure_limits(checks: list[Span]) -> tuple[LimitUse, ...]:
    highest: dict[tuple[str, str], LimitUse] = {}
    for check in checks:
        tool = str(value_of(check, "tool") or "")
        for name, (limit_name, unit) in LIMITS.items():
            count, limit = value_of(check, name), value_of(check, limit_name)
            if not isinstance(count, int | float) or not isinstance(limit, int | float):
                continue
            if name in COUNTED_AFTER_THE_CHECK and is_blocked(check) is False:
                count += 1
            known = highest.get((tool, unit))
            if known is None or known.count < count:
                highest[tool, unit] = LimitUse(tool, unit, count, limit)
    return tuple(highest.values())
