"""Expectations about HTTP services that tools call: replies, reasons of failures, polling.

A service has spans in its caller's trace. The failed ATTEMPT is the caller's span, the span that
gives the reason is the service's; both are children of the tool call.
"""

import re
from typing import Any

from instrumentation.trace import Span, Trace
from scenarios.expectations.calls.tools import calls_of, describe_calls
from scenarios.expectations.expectation import expectation
from scenarios.expectations.wording import error_suffix, list_agents, shorten, to_text
from scenarios.reports.wording import count_of


@expectation("each HTTP reply to {agent}'s {tool} contains /{pattern}/", span_name="{tool}")
def receives_http_reply(trace: Trace, agent: str, tool: str, pattern: str) -> str | None:
    """The raw HTTP reply to each of the agent's calls of the tool matches this pattern."""
    calls = calls_of(trace, agent, tool)
    if not calls:
        return f"it made no call{describe_calls(trace, agent)}"
    replies = [to_text(call.attributes.get("flight_recorder.http.reply")) for call in calls]
    other = next((reply for reply in replies if not re.search(pattern, reply)), None)
    return None if other is None else f"a reply is {shorten(other) or 'empty'}"


@expectation(
    "each failed attempt of {agent}'s {tool} has its reason beside it, from {service}",
    span_name="{tool}",
)
def failed_attempts_have_cause(trace: Trace, agent: str, tool: str, *, service: str) -> str | None:
    """Each failed attempt of the agent's calls of the tool has its reason beside it.

    The reason is a failed span of the service with a status message.
    """

    calls = calls_of(trace, agent, tool)
    if not calls:
        return f"{agent} did not call it; agents at work: {list_agents(trace)}"
    children = [span for call in calls for span in call.children]
    attempts = [span for span in children if span.type == "ATTEMPT"]
    causes = [span for span in children if span.name == service]
    silent = [span for span in causes if not (span.failed and span.status_message)]
    if silent:
        status = f"{silent[0].status}{error_suffix(silent[0])}"
        return f"a span of {service} has the status {status} and gives no reason"
    if not attempts or len(attempts) != len(causes):
        failed = count_of(len(attempts), "attempt")
        return f"{failed} failed, with {count_of(len(causes), 'span')} of {service}"
    return None


@expectation("{agent} polls {tool} until it is done {times:times}", span_name="{tool}")
def polls_with_progress(trace: Trace, agent: str, tool: str, *, times: int) -> str | None:
    """The agent polls this many times, each poll is further than the last, and the last is done."""
    polls = calls_of(trace, agent, tool)
    progress = [_polled_state(poll)[1] for poll in polls]
    advances = None not in progress and progress == sorted(set(progress))
    done = len(polls) == times and advances and _polled_state(polls[-1])[0] == "done"
    return None if done else _describe_polls(polls)


@expectation(
    "{agent} polls {tool} without progress {times:times}", span_name="{tool}", signals_failure=True
)
def polls_without_progress(trace: Trace, agent: str, tool: str, *, times: int) -> str | None:
    """The agent polls this many times; each reply says the same: running, and no error."""
    polls = calls_of(trace, agent, tool)
    if len(polls) != times or len(set(map(_polled_state, polls))) > 1:
        return _describe_polls(polls)
    ended = [poll for poll in polls if poll.failed or _polled_state(poll)[0] != "running"]
    return _describe_polls(ended) if ended else None


def _polled_state(poll: Span) -> tuple[Any, Any]:
    """What a poll returned: the state of the lookup, and how far it has come."""
    return poll.attributes.get("flight_recorder.lookup.state"), poll.attributes.get(
        "flight_recorder.lookup.looked_through"
    )


def _describe_polls(polls: list[Span]) -> str:
    states = [
        f"{poll.status}, {_polled_state(poll)[0]} at {_polled_state(poll)[1]}" for poll in polls
    ]
    return f"{count_of(len(polls), 'call')}{': ' if states else ''}{'; '.join(states)}"
