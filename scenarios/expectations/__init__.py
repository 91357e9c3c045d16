"""An expectation: what must be seen in a trace, and the sentence for when it is not.

Each names the agents that it speaks of, so that a misspelt name is an error and not an easy pass.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from instrumentation.trace.trace import Trace
from scenarios.expectations.wording import (
    attempt_spans,
    describe_loss,
    describe_nearest,
    describe_received,
    error_suffix,
    handoff_score,
    list_agents,
    pluralize,
    to_text,
)

MIN_ARRIVED_SHARE = 0.8
"""A handoff at or above this share of the sender's text has arrived; a summary in other words has
not, which is the point: the receiver was not given the text."""
MAX_LOST_SHARE = 0.2


@dataclass(frozen=True)
class Expectation:
    """`why_not` reads a trace: None where the expectation holds, else what was seen instead.

    `alarming` is one that speaks of a failure, whatever the workflow: no healthy run fulfils it.
    """

    description: str
    explain_failure: Callable[[Trace], str | None]
    agents: tuple[str, ...] = ()
    signals_failure: bool = False


def ends_with_status(status: str, *, message: str = "") -> Expectation:
    """The run's root ends with this status, for a reason in which `saying` stands."""

    def why_not(trace: Trace) -> str | None:
        root = trace.root
        if root.status != status:
            return f"it ended {root.status}{error_suffix(root)}"
        if message not in root.status_message:
            return f"it ended {status}, but{error_suffix(root) or ' gave no reason'}"
        return None

    reason = f" saying {message!r}" if message else ""
    return Expectation(f"ends {status}{reason}", why_not, signals_failure=status == "ERROR")


def reaches_outcome(outcome: str) -> Expectation:
    """The workflow names this outcome."""

    def why_not(trace: Trace) -> str | None:
        seen = trace.root.attributes.get("flight_recorder.workflow.outcome")
        return None if seen == outcome else f"its outcome is {seen!r}"

    return Expectation(f"concludes {outcome!r}", why_not)


def hands_off(sender: str, receiver: str, *, times: int = 1) -> Expectation:
    """Work passes from sender to receiver so many times, and each time it arrives."""

    def why_not(trace: Trace) -> str | None:
        seen = trace.handoffs(sender, receiver)
        if len(seen) != times:
            return f"{pluralize(len(seen), 'such handoff')}{describe_received(trace, receiver)}"
        lost = [span for span in seen if handoff_score(span) < MIN_ARRIVED_SHARE]
        return describe_loss(lost[0]) if lost else None

    return Expectation(
        f"hands off {sender} → {receiver}, {pluralize(times, 'time')}", why_not, (sender, receiver)
    )


def loses_handoff(sender: str, receiver: str) -> Expectation:
    """A handoff from sender to receiver of which nearly nothing arrives."""

    def why_not(trace: Trace) -> str | None:
        seen = trace.handoffs(sender, receiver)
        if not seen:
            return f"no such handoff{describe_received(trace, receiver)}"
        least = min(seen, key=handoff_score)
        return (
            None
            if handoff_score(least) <= MAX_LOST_SHARE
            else f"{handoff_score(least):.0%} or more of it arrived"
        )

    return Expectation(
        f"loses {sender} → {receiver}", why_not, (sender, receiver), signals_failure=True
    )


def takes_edge(source: str, target: str, *, on: str, times: int = 1) -> Expectation:
    """The graph goes from source to target so many times, because the condition `on` held."""

    def why_not(trace: Trace) -> str | None:
        routed = [
            span.attributes.get("flight_recorder.routing.condition")
            for span in trace.handoffs(source, target)
        ]
        taken = [condition for condition in routed if condition is not None]
        if taken == [on] * times:
            return None
        return f"it was taken on {', '.join(map(str, taken)) or 'no condition'}"

    return Expectation(
        f"takes the edge {source} → {target} on {on}, {pluralize(times, 'time')}",
        why_not,
        (source, target),
    )


def takes_turns(agent: str, times: int) -> Expectation:
    """The agent is at work exactly so many times."""

    def why_not(trace: Trace) -> str | None:
        seen = len(trace.turns(agent))
        return None if seen == times else f"{pluralize(seen, 'turn')}; agents: {list_agents(trace)}"

    return Expectation(f"{agent} takes {pluralize(times, 'turn')}", why_not, (agent,))


def never_runs(agent: str) -> Expectation:
    """The agent is never at work."""

    def why_not(trace: Trace) -> str | None:
        if not trace.agents:
            return "the trace names no agent at all"
        seen = len(trace.turns(agent))
        return f"{agent} took {pluralize(seen, 'turn')}" if seen else None

    return Expectation(f"never reaches {agent}", why_not, (agent,))


def output_contains(pattern: str) -> Expectation:
    """The run's output bears this regular expression."""

    def why_not(trace: Trace) -> str | None:
        output = to_text(trace.root.outputs)
        if not output:
            return "there is no output at all"
        return (
            None
            if re.search(pattern, output)
            else f"the output {describe_nearest(pattern, output)}"
        )

    return Expectation(f"output keeps /{pattern}/", why_not)


def output_lacks(pattern: str) -> Expectation:
    """The run has an output, which does not bear this regular expression."""

    def why_not(trace: Trace) -> str | None:
        output = to_text(trace.root.outputs)
        if not output:
            return "there is no output at all"
        found = re.search(pattern, output)
        return f"the output has {found.group()!r}" if found else None

    return Expectation(f"output lacks /{pattern}/", why_not)


def has_failed_attempts(error: str, *, agent: str, times: int = 1) -> Expectation:
    """So many of the agent's HTTP attempts fail in this way (`HTTP 429`, `ReadTimeout`, …)."""

    def why_not(trace: Trace) -> str | None:
        seen = [span.name for span in attempt_spans(trace, agent)]
        if seen == [error] * times:
            return None
        return f"failed attempts of {agent}: {', '.join(seen) or 'none'}"

    return Expectation(f"{agent} meets {error!r}, {pluralize(times, 'time')}", why_not, (agent,))


def last_completion_ends(agent: str, *, status: str, message: str = "") -> Expectation:
    """The agent's last completion ends with this status, for a reason in which `saying` stands."""

    def why_not(trace: Trace) -> str | None:
        seen = [span for turn in trace.turns(agent) for span in turn if span.type == "LLM"]
        if not seen:
            return f"{agent} made no completion; agents: {list_agents(trace)}"
        last = seen[-1]
        if last.status == status and message in last.status_message:
            return None
        return f"its last completion ended {last.status}{error_suffix(last)}"

    reason = f" saying {message!r}" if message else ""
    says = f"{agent}'s last completion is {status}{reason}"
    return Expectation(says, why_not, (agent,), signals_failure=status == "ERROR")


def spends_tokens_at_most(tokens: int) -> Expectation:
    """All completions of the run together use no more tokens than this."""

    def why_not(trace: Trace) -> str | None:
        spent = sum(span.tokens.total for span in trace.spans_of_type("LLM"))
        if not spent:
            return "no completion has its tokens recorded"
        return f"{spent} tokens" if spent > tokens else None

    return Expectation(f"spends at most {tokens} tokens", why_not)
