"""Build the graph of agents: who passed work to whom, and how much of it arrived."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from instrumentation.trace import Span, Trace
from scenarios.reports.diagnosis_page.cited_spans import CitedStep

FROM_AGENT_ATTRIBUTE = "flight_recorder.handoff.from_agent"
TO_AGENT_ATTRIBUTE = "flight_recorder.handoff.to_agent"


@dataclass(frozen=True)
class AgentEdge:
    """All work that one agent passed to another.

    Attributes:
        handoffs: The HANDOFF spans; empty if the trace has none and the edge is inferred from
            the order of the turns, or from the path of the failure.
        is_on_path: Whether the failure took this way.
    """

    sender: str
    receiver: str
    handoffs: tuple[Span, ...] = ()
    is_on_path: bool = False

    @property
    def arrived_share(self) -> float | None:
        """The share of the sender's text that arrived, from 0.0 to 1.0; None if unknown."""
        scored = [
            (score, max(_number(span, "output_chars") or 0.0, 1.0))
            for span in self.handoffs
            if (score := _number(span, "efficiency_score")) is not None
        ]
        total = sum(chars for _, chars in scored)
        return sum(score * chars for score, chars in scored) / total if scored else None

    @property
    def arrived(self) -> tuple[str, ...]:
        """The texts that arrived, without repetitions."""
        return _texts(self.handoffs, "arrived")

    @property
    def dropped(self) -> tuple[str, ...]:
        """The texts that did not arrive, without repetitions."""
        return _texts(self.handoffs, "dropped")

    @property
    def arrived_percent(self) -> str:
        """The share as a text; only a whole text is 100%, and only nothing is 0%."""
        share = self.arrived_share
        if share is None:
            return ""
        rounded = f"{share:.0%}"
        if rounded == "100%" and (share < 1 or self.dropped):
            return "99%"
        return "1%" if rounded == "0%" and share > 0 else rounded


def build_agent_edges(
    trace: Trace,
    agents: Sequence[str],
    answer: str,
    path: Iterable[CitedStep],
    agent_of: Mapping[int, str],
) -> tuple[AgentEdge, ...]:
    """The edges between agents, and from the last one to the answer.

    Args:
        agents: The agents in the order of their first work.
        answer: The name for the result of the run.
        agent_of: The agent at work in each span, by the `id()` of the span.
    """
    spans: dict[tuple[str, str], list[Span]] = {}
    for span in trace.spans_of_type("HANDOFF"):
        sender, receiver = (
            str(span.attributes.get(key) or "")
            for key in (FROM_AGENT_ATTRIBUTE, TO_AGENT_ATTRIBUTE)
        )
        if sender and receiver:
            spans.setdefault((sender, receiver), []).append(span)
    turns = [agent_of[id(span)] for span in trace.spans_of_type("AGENT")]
    pairs = list(spans) or list(pairwise(turns))
    last = turns[-1] if turns else agents[-1] if agents else ""
    on_path = _pairs_on_path(path, answer)
    pairs = list(dict.fromkeys([*pairs, *on_path]))
    if last and not any(receiver == answer for _, receiver in pairs):
        pairs.append((last, answer))
    return tuple(
        AgentEdge(*pair, tuple(spans.get(pair, ())), is_on_path=pair in on_path)
        for pair in pairs
        if pair[0] != pair[1]
    )


def _pairs_on_path(path: Iterable[CitedStep], answer: str) -> dict[tuple[str, str], None]:
    """The pairs of agents between which the failure passed, in order."""
    steps = list(path)
    names = []
    for number, one in enumerate(steps, 1):
        span = one.span
        if span is not None and span.type == "HANDOFF":
            names += [
                str(span.attributes.get(key)) for key in (FROM_AGENT_ATTRIBUTE, TO_AGENT_ATTRIBUTE)
            ]
        elif one.step.agent:
            names.append(one.step.agent)
        elif number == len(steps) > 1:
            names.append(answer)
    return {pair: None for pair in pairwise(names) if pair[0] != pair[1]}


def _texts(handoffs: Iterable[Span], key: str) -> tuple[str, ...]:
    texts: dict[str, None] = {}
    for span in handoffs:
        outputs = span.outputs if isinstance(span.outputs, Mapping) else {}
        attribute = span.attributes.get(f"flight_recorder.handoff.{key}")
        if text := outputs.get(key) or attribute:
            texts[str(text)] = None
    return tuple(texts)


def _number(span: Span, name: str) -> float | None:
    value = span.attributes.get(f"flight_recorder.handoff.{name}")
    return float(value) if isinstance(value, int | float) else None
