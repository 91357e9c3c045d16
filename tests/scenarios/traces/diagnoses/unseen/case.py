"""A case: a program, what its models answer, and the truth about what goes wrong in the run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from instrumentation.trace import Span, Trace
from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer
from tests.support.tapes import reply_line

Line = dict[str, Any]
Lanes = Mapping[str, tuple[Line, ...]]


@dataclass(frozen=True)
class Place:
    """Spans of a type, and below a turn of the agent if there is one, that contain a text.

    It is looked for in the output of a completion, and in name, inputs and outputs of other spans.
    """

    type: str
    text: str
    agent: str | None = None

    def find(self, trace: Trace) -> list[Span]:
        """Find the spans, in order."""
        roots = trace.turns(self.agent) if self.agent else trace.roots
        spans = [span for root in roots for span in root if span.type == self.type]
        return [span for span in spans if self.text in self._text_of(span)]

    def _text_of(self, span: Span) -> str:
        parts = [span.outputs] if self.type == "LLM" else [span.name, span.inputs, span.outputs]
        return " ".join(orjson.dumps(part, default=str).decode() for part in parts)


@dataclass(frozen=True)
class Truth:
    """What was put into a run.

    Attributes:
        words: What goes wrong.
        agents: Who begins it; several if either is right, as sender and receiver of a handoff are.
        places: Where it begins; a span of any of them is right.
        modes: The failure modes whose names fit. They are chosen from the names of the
            documentation, after the fault was written.
    """

    words: str
    agents: tuple[str, ...]
    places: tuple[Place, ...]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One run of a program. A healthy one has no truths; the origin is the first of several."""

    program: str
    story: str
    run: Callable[[ReplayServer], object]
    lanes: Lanes
    truths: tuple[Truth, ...] = ()
    outages: tuple[Fault, ...] = ()

    @property
    def lines(self) -> list[Line]:
        return [line for lane in self.lanes.values() for line in lane]


def text(lane: str, content: str, when: str | None = None) -> Line:
    """A reply that is a text."""
    return reply_line(lane, content, when)


def call(lane: str, tool: str, content: str | None = None, /, **arguments: Any) -> Line:
    """A reply that calls one tool, after a text if there is one."""
    return calls(lane, [(tool, arguments)], content)


def calls(
    lane: str,
    tools: Iterable[tuple[str, Mapping[str, Any]]],
    content: str | None = None,
    when: str | None = None,
) -> Line:
    """A reply that calls several tools at once."""
    listed = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return reply_line(lane, content, when, tool_calls=listed)
