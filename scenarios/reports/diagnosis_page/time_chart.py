"""Place the spans of each agent on one axis of time, in percent of the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from instrumentation.trace import Span, Trace
from scenarios.reports.diagnosis_page.agent_work import AgentWork

MAX_BARS = 400
"""Of more spans, the longest are drawn."""
MAX_LANES = 24
"""Of more agents, those that worked first are drawn."""
TICKS = 4


@dataclass(frozen=True)
class Bar:
    """A span, or a wait, from `left` on and `width` wide, in percent of the run."""

    kind: str
    left: float
    width: float
    span: Span | None
    duration_ns: int


@dataclass(frozen=True)
class Lane:
    """The bars of one agent: waits, turns, completions and tool calls, drawn in this order."""

    work: AgentWork
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class TimeChart:
    """The lanes of a run from the first work to the last.

    Attributes:
        ticks_ns: Equidistant times since the start of the run.
        omitted_bars: How many spans were left out.
        omitted_lanes: How many agents were left out.
    """

    lanes: tuple[Lane, ...]
    ticks_ns: tuple[int, ...]
    omitted_bars: int
    omitted_lanes: int


def draw_time_chart(
    trace: Trace, work: Sequence[AgentWork], cited: Sequence[Span]
) -> TimeChart | None:
    """The chart of a run; None if its trace has no times."""
    run_start_ns = min(root.start_ns for root in trace.roots)
    lanes = work[:MAX_LANES]
    spans = [span for one in lanes for span in one.spans]
    waits = [started for one in lanes for started, _ in one.waits]
    start_ns = min([*(span.start_ns for span in spans), *waits], default=0)
    end_ns = max((span.end_ns for span in spans), default=0)
    if end_ns <= start_ns or not run_start_ns:
        return None
    cited_ids = {id(span) for span in cited}
    spans.sort(key=lambda span: (id(span) not in cited_ids, span.start_ns - span.end_ns))
    drawn = {id(span) for span in spans[:MAX_BARS]}
    return TimeChart(
        lanes=tuple(
            Lane(one, tuple(_iter_bars(one, drawn, start_ns, end_ns - start_ns))) for one in lanes
        ),
        ticks_ns=tuple(
            start_ns - run_start_ns + (end_ns - start_ns) * tick // TICKS
            for tick in range(TICKS + 1)
        ),
        omitted_bars=max(0, len(spans) - MAX_BARS),
        omitted_lanes=len(work) - len(lanes),
    )


def _iter_bars(work: AgentWork, drawn: set[int], start_ns: int, total_ns: int) -> Iterator[Bar]:
    longest_waits = sorted(work.waits, key=lambda wait: wait[0] - wait[1])[:MAX_BARS]
    intervals: list[tuple[str, int, int, Span | None]] = [
        ("wait", start, end, None) for start, end in longest_waits
    ]
    for kind in ("turn", "model", "tool"):
        intervals += [
            (kind, span.start_ns, span.end_ns, span)
            for span in work.spans
            if id(span) in drawn and _kind(span) == kind
        ]
    for kind, start, end, span in intervals:
        left, width = (start - start_ns) / total_ns, (end - start) / total_ns
        yield Bar(kind, round(100 * left, 3), round(100 * width, 3), span, end - start)


def _kind(span: Span) -> str:
    return {"AGENT": "turn", "TOOL": "tool"}.get(span.type, "model")
