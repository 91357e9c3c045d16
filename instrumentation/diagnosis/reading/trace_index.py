"""An index of a trace's spans, built once, so that detectors find related spans without searching.

Building it is linear in the number of spans; every lookup afterwards takes constant time.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from instrumentation.diagnosis.reading.completions import Completion
from instrumentation.diagnosis.reading.span_values import as_list
from instrumentation.diagnosis.reading.texts import plain_text, to_json_text
from instrumentation.trace.span import COMPLETION_TYPES, Span
from instrumentation.trace.trace import Trace

TOOL_TYPES = frozenset(("TOOL", "RETRIEVER"))
ALONGSIDE_ATTRIBUTE = "flight_recorder.turn.alongside"
"""The other agents that were at work during a turn."""
STATE_KEY_ATTRIBUTE = "flight_recorder.state.key"


class TraceIndex:
    """The spans of a trace by type, parent, turn and agent, in the order in which they started.

    In a trace without times the order is that of the tree.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._parents: dict[int, Span | None] = {}
        self._turns: dict[int, Span | None] = {}
        self._after: dict[int, int] = {}
        spans: list[Span] = []
        pending: list[tuple[Span, Span | None, Span | None]] = [
            (root, None, None) for root in reversed(trace.roots)
        ]
        while pending:
            span, parent, turn = pending.pop()
            turn = span if span.type == "AGENT" else turn
            self._parents[id(span)], self._turns[id(span)] = parent, turn
            spans.append(span)
            pending.extend((child, span, turn) for child in reversed(span.children))
        self._tree_positions = {id(span): index for index, span in enumerate(spans)}
        for index in range(len(spans) - 1, -1, -1):
            span = spans[index]
            last = span.children[-1] if span.children else None
            self._after[id(span)] = self._after[id(last)] if last else index + 1
        self.spans: tuple[Span, ...] = tuple(sorted(spans, key=lambda span: span.start_ns))
        self._positions = {id(span): index for index, span in enumerate(self.spans)}

    @cached_property
    def has_times(self) -> bool:
        """Whether the spans have times; a trace that this project recorded as JSON has none."""
        return any(span.start_ns for span in self.spans)

    @cached_property
    def turns(self) -> tuple[Span, ...]:
        """The turns of agents."""
        return tuple(span for span in self.spans if span.type == "AGENT")

    @cached_property
    def completions(self) -> tuple[Completion, ...]:
        """The completions, without those that only wrap another completion."""
        found = [span for span in self.spans if span.type in COMPLETION_TYPES]
        wrappers = {id(self.parent(span)) for span in found}
        return tuple(Completion(span) for span in found if id(span) not in wrappers)

    @cached_property
    def tool_calls(self) -> tuple[Span, ...]:
        """The calls of tools, without the spans that a tool opened inside."""
        calls = (span for span in self.spans if span.type in TOOL_TYPES)
        return tuple(call for call in calls if not _is_tool_call(self.caller(call)))

    @cached_property
    def handoffs(self) -> tuple[Span, ...]:
        return tuple(span for span in self.spans if span.type == "HANDOFF")

    @cached_property
    def guardrails(self) -> tuple[Span, ...]:
        return tuple(span for span in self.spans if span.type == "GUARDRAIL")

    @cached_property
    def state_spans(self) -> tuple[Span, ...]:
        """The reads and writes of shared state."""
        return tuple(span for span in self.spans if STATE_KEY_ATTRIBUTE in span.attributes)

    @cached_property
    def answer(self) -> str:
        """The texts in the output of the run; without one, those of its last turn."""
        text = plain_text([root.outputs for root in self.trace.roots])
        if text or not self.turns:
            return text
        return self.output_of(max(self.turns, key=self.end_position))

    @cached_property
    def task(self) -> str:
        """The input of the run."""
        return "\n".join(to_json_text(root.inputs) for root in self.trace.roots)

    @cached_property
    def _completions_of_turn(self) -> dict[int, list[Completion]]:
        found: dict[int, list[Completion]] = {}
        for completion in self.completions:
            found.setdefault(id(self.turn(completion.span)), []).append(completion)
        return found

    @cached_property
    def _calls_of_turn(self) -> dict[int, list[Span]]:
        found: dict[int, list[Span]] = {}
        for call in self.tool_calls:
            found.setdefault(id(self.turn(call)), []).append(call)
        return found

    def completions_of(self, turn: Span | None) -> Sequence[Completion]:
        """The completions directly in a turn, not in turns inside it; None: outside of turns."""
        return self._completions_of_turn.get(id(turn), ())

    def calls_of(self, turn: Span | None) -> Sequence[Span]:
        """The tool calls directly in a turn."""
        return self._calls_of_turn.get(id(turn), ())

    def calls_after(self, completion: Completion, tool: str) -> list[Span]:
        """The calls of a tool in the turn of a completion that follow it."""
        calls, start = self.calls_of(self.turn(completion.span)), self.position(completion.span)
        return [call for call in calls if call.name == tool and self.position(call) > start]

    def output_of(self, turn: Span) -> str:
        """The text that a turn produced; without an output, that of its last completion."""
        text = plain_text(turn.outputs)
        completions = () if text or turn.failed else self.completions_of(turn)
        return plain_text(completions[-1].answer.text) if completions else text

    def parent(self, span: Span) -> Span | None:
        return self._parents[id(span)]

    def ancestors(self, span: Span) -> Iterator[Span]:
        """Yield the spans around a span, innermost first."""
        parent = self.parent(span)
        while parent is not None:
            yield parent
            parent = self.parent(parent)

    def caller(self, span: Span) -> Span | None:
        """The innermost turn or tool call around a span."""
        callers = (one for one in self.ancestors(span) if one.type in {"AGENT", *TOOL_TYPES})
        return next(callers, None)

    def turn(self, span: Span) -> Span | None:
        """The turn that contains a span, or the span itself if it is one."""
        return self._turns[id(span)]

    def agent(self, span: Span) -> str | None:
        """The agent at work in a span."""
        turn = self.turn(span)
        return (turn.agent if turn else None) or span.agent

    def root(self, span: Span) -> Span:
        return next((one for one in self.trace.roots if self.contains(one, span)), span)

    def contains(self, outer: Span, inner: Span) -> bool:
        """Whether a span is another one or lies inside it."""
        start = self._tree_positions[id(outer)]
        return start <= self._tree_positions[id(inner)] < self._after[id(outer)]

    def position(self, span: Span) -> int:
        """The place of a span in the order in which spans started."""
        return self._positions[id(span)]

    def end_position(self, span: Span) -> tuple[int, int]:
        """A key that sorts spans by their ends."""
        return span.end_ns, self._after[id(span)]

    def is_before(self, first: Span, second: Span) -> bool:
        """Whether a span ended before another one started, as far as the trace tells."""
        if first.end_ns and second.start_ns:
            return first.end_ns <= second.start_ns
        if self._after[id(first)] > self._tree_positions[id(second)]:
            return False
        return not self._are_alongside(first, second)

    def _are_alongside(self, first: Span, second: Span) -> bool:
        """Whether two spans are of turns that the trace says ran at the same time."""
        turn, other = self.turn(first), self.turn(second)
        if turn is None or other is None or turn is other:
            return False
        return other.agent in as_list(turn.attributes.get(ALONGSIDE_ATTRIBUTE))


def _is_tool_call(span: Span | None) -> bool:
    return span is not None and span.type in TOOL_TYPES
