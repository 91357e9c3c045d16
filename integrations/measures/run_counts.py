"""What an instrumentor tells of a flight, counted against what really happened."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, fields

from instrumentation.trace.trace import Trace
from integrations.measures.errors import count_errors
from integrations.measures.leaks import count_leaks
from integrations.measures.placement import COMPLETION_TYPES, expected_places, recorded_places
from integrations.measures.prompts import count_readable_prompts, distinct_prompts
from integrations.measures.replies import count_readable_replies, distinct_replies
from integrations.measures.token_totals import count_token_totals
from integrations.measures.turns import agent_turns
from integrations.runner.case_run import CaseRun
from scenarios.player.fidelity import FidelityCount
from scenarios.replay.ledger import Exchange

COMPLETION_PATHS = ("/chat/completions", "/responses")
"""How the path of a completion ends."""


@dataclass(frozen=True)
class RunCounts:
    """One `Count` for each thing that a trace must tell, and must not tell twice.

    `completions` are replies that arrived whole, `errors` attempts that got none and tools that
    raised. `tokens` are what completions say that they used, `totals` what a run says of all that
    it used, where it says so; `costs` are completions with a cost. `placed` are completions and
    tool calls that stand in a turn of their own agent, in the one tree, or, where they are a team's
    own, in the team and in no turn; `prompts` are the different prompts that were sent, answered or
    not, and those that can be read whole; `replies` likewise those that arrived whole, and say
    something. `leaks` are records of what no model was sent: keys, credentials.
    """

    completions: FidelityCount
    tools: FidelityCount
    turns: FidelityCount
    handoffs: FidelityCount
    errors: FidelityCount
    tokens: FidelityCount
    totals: FidelityCount
    costs: FidelityCount
    placed: FidelityCount
    prompts: FidelityCount
    replies: FidelityCount
    leaks: FidelityCount

    def __iter__(self) -> Iterator[tuple[str, FidelityCount]]:
        for field in fields(self):
            yield field.name, getattr(self, field.name)

    @property
    def is_complete(self) -> bool:
        return all(count.is_equal for _, count in self)

    @property
    def incomplete_measures(self) -> tuple[str, ...]:
        """The names of what is not told as it was."""
        return tuple(name for name, count in self if not count.is_equal)


def count_run(run: CaseRun, trace: Trace) -> RunCounts:
    """Count both sides."""
    asked = [one for one in run.exchanges if one.path.endswith(COMPLETION_PATHS)]
    answered = [one for one in asked if _reply_arrived(one)]
    told = [span for span in trace if span.type in COMPLETION_TYPES]
    done = [span for span in told if not span.failed]
    raised = sum(bool(tool["raised"]) for tool in run.tools)
    used = sum(one.input_tokens + one.output_tokens for one in answered)
    sent, came = distinct_prompts(asked), distinct_replies(answered)
    return RunCounts(
        completions=FidelityCount(len(answered), len(done)),
        tools=FidelityCount(len(run.tools), len(trace.spans_of_type("TOOL"))),
        turns=_count_matches(run.case.turns, agent_turns(trace, run.case.turns)),
        handoffs=_count_matches(run.case.handoffs, _handoffs(trace)),
        errors=count_errors(len(asked) - len(answered), raised, trace),
        tokens=FidelityCount(used, sum(span.tokens.total for span in told)),
        totals=count_token_totals(used, trace),
        costs=FidelityCount(len(answered), sum(span.cost_usd is not None for span in done)),
        placed=_count_placed(run, answered, trace),
        prompts=FidelityCount(len(sent), count_readable_prompts(sent, told)),
        replies=FidelityCount(len(came), count_readable_replies(came, told)),
        leaks=FidelityCount(0, count_leaks(run)),
    )


def _reply_arrived(exchange: Exchange) -> bool:
    return exchange.delivered and exchange.status is not None and exchange.status < 400


def _handoffs(trace: Trace) -> Iterator[tuple[object, object]]:
    """Spans of their own, or turns that name whom the work came from."""
    for span in trace:
        told = span.attributes
        if span.type == "HANDOFF" or "flight_recorder.handoff.from_agent" in told:
            yield (
                told.get("flight_recorder.handoff.from_agent"),
                told.get("flight_recorder.handoff.to_agent"),
            )


def _count_matches(happened: Iterable[Hashable], recorded: Iterable[Hashable]) -> FidelityCount:
    """What is told of what happened; where that is all, whatever is told besides counts, too."""
    due, seen = Counter(happened), Counter(recorded)
    found = (due & seen).total()
    return FidelityCount(due.total(), found if found < due.total() else seen.total())


def _count_placed(run: CaseRun, answered: list[Exchange], trace: Trace) -> FidelityCount:
    """Of several trees the one that tells most of it; or as many, where a case has several runs."""
    lanes = [one.lane for one in answered]
    steps = expected_places(run.case, lanes, [str(tool["agent"]) for tool in run.tools])
    told = [steps & recorded_places(run.case, root) for root in trace.roots]
    most = sorted(told, key=Counter.total, reverse=True)[: run.case.expected_trees]
    return FidelityCount(steps.total(), (steps & sum(most, Counter())).total())
