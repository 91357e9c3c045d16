"""One run as a list of calls, whether it was read from a trace or from a tape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scenarios.tape.header import LaneRule
from scenarios.tape.requests.request import to_sorted_json

INSTRUCTION_ROLES = ("system", "developer")


@dataclass(frozen=True)
class RunCall:
    """One exchange of a run.

    Attributes:
        number: Its number in the lane, from 1.
        position: Its position in the run, from 0.
        messages: The chat messages of the request, without ids that change from run to run. None if
            the source does not hold them.
        settings: Everything else in the request that the source holds, such as `tools`.
        reply: {"content", "tool_calls"?}; None if there was no reply, or if it is not recorded.
        error: Why there was no reply; empty if there was one.
        input_tokens: None if the source does not hold them.
        cost_usd: The cost by MLflow's price list; None if it is not known.
        is_closed_early: Whether the source holds only what the program read of the reply.
    """

    lane: str
    number: int
    position: int
    messages: Sequence[Mapping[str, Any]] | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    reply: Mapping[str, Any] | None = None
    error: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    is_closed_early: bool = False

    @property
    def request_key(self) -> str:
        """A text that two calls share if they asked the same."""
        return to_sorted_json(self.messages)

    @property
    def conversation_key(self) -> str:
        """A text that two calls share if they asked the same, whatever their system prompts."""
        rest = [one for one in self.messages or () if one.get("role") not in INSTRUCTION_ROLES]
        return to_sorted_json(rest)

    def __str__(self) -> str:
        return f"{self.lane}, call {self.number}"


@dataclass(frozen=True)
class RecordedRun:
    """The calls of a run, in order, and how it ended.

    Attributes:
        source: The file or the id that it was read from.
        kind: "trace" or "tape".
        status: The status of the root span; empty for a tape.
        outcome: The outcome that the workflow recorded; empty if there is none.
        unnamed_lanes: The lanes of agents that the source does not name, each with the rule that
            recognises it; the names are made up.
    """

    source: str
    kind: str
    calls: tuple[RunCall, ...]
    status: str = ""
    outcome: str = ""
    unnamed_lanes: Mapping[str, LaneRule] = field(default_factory=dict)

    @property
    def lanes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(call.lane for call in self.calls))

    def calls_of(self, lane: str) -> list[RunCall]:
        return [call for call in self.calls if call.lane == lane]

    def rename_lanes(self, names: Mapping[str, str]) -> "RecordedRun":
        """The run with other names for some of its lanes."""
        calls = (replace(call, lane=names.get(call.lane, call.lane)) for call in self.calls)
        return replace(self, calls=tuple(calls))

    def total(self, key: str) -> Any:
        """The sum over all calls that have the value; None if none has it."""
        known = [value for call in self.calls if (value := getattr(call, key)) is not None]
        return sum(known) if known else None

    def to_json(self) -> dict[str, Any]:
        totals = ("input_tokens", "output_tokens", "cost_usd")
        return {
            "source": self.source,
            "kind": self.kind,
            "status": self.status or None,
            "outcome": self.outcome or None,
            "calls": {lane: len(self.calls_of(lane)) for lane in self.lanes},
        } | {key: self.total(key) for key in totals}
