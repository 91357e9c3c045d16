"""What an instrumentor tells of a flight, counted against what really happened."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, fields

from instrumentation.trace.trace import Trace
from integrations.measures.errors import errors
from integrations.measures.leaks import leaks
from integrations.measures.placement import COMPLETION_TYPES, due, places
from integrations.measures.prompts import prompts, readable_prompts
from integrations.measures.replies import readable_replies, replies
from integrations.measures.token_totals import totals
from integrations.measures.turns import turns
from integrations.runner.case_run import Flight
from scenarios.player.fidelity import Count
from scenarios.replay.ledger import Exchange

COMPLETIONS = ("/chat/completions", "/responses")
"""How the path of a completion ends."""


@dataclass(frozen=True)
class Counted:
    """One `Count` for each thing that a trace must tell, and must not tell twice.

    `completions` are replies that arrived whole, `errors` attempts that got none and tools that
    raised. `tokens` are what completions say that they used, `totals` what a run says of all that
    it used, where it says so; `costs` are completions with a cost. `placed` are completions and
    tool calls that stand in a turn of their own agent, in the one tree, or, where they are a team's
    own, in the team and in no turn; `prompts` are the different prompts that were sent, answered or
    not, and those that can be read whole; `replies` likewise those that arrived whole, and say
    something. `leaks` are records of what no model was sent: keys, credentials.
    """

    completions: Count
    tools: Count
    turns: Count
    handoffs: Count
    errors: Count
    tokens: Count
    totals: Count
    costs: Count
    placed: Count
    prompts: Count
    replies: Count
    leaks: Count

    def __iter__(self) -> Iterator[tuple[str, Count]]:
        for field in fields(self):
            yield field.name, getattr(self, field.name)

    @property
    def complete(self) -> bool:
        return all(count.whole for _, count in self)

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of what is not told as it was."""
        return tuple(name for name, count in self if not count.whole)


def counted(flight: Flight, trace: Trace) -> Counted:
    """Count both sides."""
    asked = [one for one in flight.exchanges if one.path.endswith(COMPLETIONS)]
    answered = [one for one in asked if _arrived(one)]
    told = [span for span in trace if span.type in COMPLETION_TYPES]
    done = [span for span in told if not span.failed]
    raised = sum(bool(tool["raised"]) for tool in flight.tools)
    used = sum(one.input_tokens + one.output_tokens for one in answered)
    sent, came = prompts(asked), replies(answered)
    return Counted(
        completions=Count(len(answered), len(done)),
        tools=Count(len(flight.tools), len(trace.of_type("TOOL"))),
        turns=_matched(flight.case.turns, turns(trace, flight.case.turns)),
        handoffs=_matched(flight.case.handoffs, _handoffs(trace)),
        errors=errors(len(asked) - len(answered), raised, trace),
        tokens=Count(used, sum(span.tokens.total for span in told)),
        totals=totals(used, trace),
        costs=Count(len(answered), sum(span.cost_usd is not None for span in done)),
        placed=_placed(flight, answered, trace),
        prompts=Count(len(sent), readable_prompts(sent, told)),
        replies=Count(len(came), readable_replies(came, told)),
        leaks=Count(0, leaks(flight)),
    )


def _arrived(exchange: Exchange) -> bool:
    return exchange.delivered and exchange.status is not None and exchange.status < 400


def _handoffs(trace: Trace) -> Iterator[tuple[object, object]]:
    """Spans of their own, or turns that name whom the work came from."""
    for span in trace:
        told = span.attributes
        if span.type == "HANDOFF" or "handoff.from_agent" in told:
            yield told.get("handoff.from_agent"), told.get("handoff.to_agent")


def _matched(happened: Iterable[Hashable], told: Iterable[Hashable]) -> Count:
    """What is told of what happened; where that is all, whatever is told besides counts, too."""
    due, seen = Counter(happened), Counter(told)
    found = (due & seen).total()
    return Count(due.total(), found if found < due.total() else seen.total())


def _placed(flight: Flight, answered: list[Exchange], trace: Trace) -> Count:
    """Of several trees the one that tells most of it; or as many, where a case has several runs."""
    lanes = [one.lane for one in answered]
    steps = due(flight.case, lanes, [str(tool["agent"]) for tool in flight.tools])
    told = [steps & places(flight.case, root) for root in trace.roots]
    most = sorted(told, key=Counter.total, reverse=True)[: flight.case.trees]
    return Count(steps.total(), (steps & sum(most, Counter())).total())
