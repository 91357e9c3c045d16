"""Expectations about a run or session as a whole: status, outcome, output, tokens and errors."""

import re
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.wording import describe_nearest, error_suffix, root_attribute, to_text
from scenarios.reports.wording import count_of


def ends_with_status(status: str, *, message: str = "") -> Expectation:
    """The root span has this status (OK, ERROR), and its status message contains `message`."""

    def explain_failure(trace: Trace) -> str | None:
        root = trace.root
        if root.status != status:
            return f"the status is {root.status}{error_suffix(root)}"
        if message not in root.status_message:
            return f"the status is {status}, but{error_suffix(root) or ' it has no message'}"
        return None

    containing = f" and a message containing {message!r}" if message else ""
    return Expectation(
        f"the run ends with status {status}{containing}",
        explain_failure,
        signals_failure=status == "ERROR",
    )


@expectation("the run ends with status OK and the outcome {outcome!r}")
def reaches_outcome(trace: Trace, outcome: str) -> str | None:
    """The run succeeds and records this outcome, such as "approved" or "out of rounds"."""
    root, found = trace.root, root_attribute(trace, "flight_recorder.workflow.outcome")
    if found != outcome:
        return f"the outcome is {found!r}"
    return f"the status is {root.status}{error_suffix(root)}" if root.status != "OK" else None


@expectation("the output contains /{pattern}/")
def output_contains(trace: Trace, pattern: str) -> str | None:
    """The run's output matches this regular expression somewhere."""
    output = to_text(trace.root.outputs)
    if not output:
        return "the run has no output"
    return None if re.search(pattern, output) else f"the output {describe_nearest(pattern, output)}"


@expectation("the output does not contain /{pattern}/")
def output_lacks(trace: Trace, pattern: str) -> str | None:
    """The run has an output, and this regular expression matches nowhere in it."""
    output = to_text(trace.root.outputs)
    if not output:
        return "the run has no output"
    found = re.search(pattern, output)
    return f"the output contains {found.group()!r}" if found else None


@expectation("{attribute} is {value!r}")
def has_root_attribute(trace: Trace, attribute: str, value: Any) -> str | None:
    """The root span has this attribute with this value."""
    found = root_attribute(trace, attribute)
    return None if found == value else f"its value is {found!r}"


@expectation("the run spends at most {tokens} tokens")
def spends_tokens_at_most(trace: Trace, tokens: int) -> str | None:
    """All completions of the run together use no more tokens than this."""
    spent = sum(span.tokens.total for span in trace.spans_of_type("LLM"))
    if not spent:
        return "no completion has its tokens recorded"
    return f"it spends {spent} tokens" if spent > tokens else None


@expectation("no span has the status ERROR")
def has_no_errors(trace: Trace) -> str | None:
    """No span of the run has the status ERROR."""
    failed = [span for span in trace if span.failed]
    return "; ".join(f"{span.name} failed{error_suffix(span)}" for span in failed) or None


@expectation("the run leaves {count:trace} without an error", counts_traces=True)
def leaves_traces(trace: Trace, count: int) -> str | None:
    """The run leaves this many traces, as a program does that calls in threads, and none fails."""
    if len(trace.roots) != count:
        return f"it leaves {count_of(len(trace.roots), 'trace')}"
    failed = [span for span in trace if span.failed]
    return "; ".join(f"{span.name} failed{error_suffix(span)}" for span in failed) or None


def is_one_session(*, turns: int, user: str = "") -> Expectation:
    """The run is one session of this many turns, each a trace of its own, for this user."""
    of_user = f" of {user}" if user else ""

    def explain_failure(trace: Trace) -> str | None:
        if trace.session is None:
            return f"the run is not a session: it left {count_of(len(trace.roots), 'trace')}"
        if len(trace.roots) != turns:
            return f"the session has {count_of(len(trace.roots), 'turn')}"
        found = trace.session.user
        return None if found == user else f"its user is {found or 'not recorded'}"

    return Expectation(
        f"the run is one session{of_user} with {count_of(turns, 'turn')}", explain_failure
    )


@expectation("each turn reaches the outcome {outcome!r}")
def each_turn_reaches_outcome(trace: Trace, outcome: str) -> str | None:
    """Every turn of the session succeeds and records this outcome."""
    for number, root in enumerate(trace.roots, 1):
        found = root.attributes.get("flight_recorder.workflow.outcome")
        if root.failed or found != outcome:
            return f"turn {number} has the status {root.status} and the outcome {found!r}"
    return None


@expectation("the run avoids the failure {mode!r}")
def avoids_failure(trace: Trace, mode: str) -> str | None:
    """The diagnosis does not find this failure mode, such as "ungrounded answer"."""
    found = [one for one in diagnose(trace).findings if one.mode == mode]
    places = ", ".join(f"{one.agent}: {one.span}" for one in found)
    return f"the diagnosis finds it: {places}" if found else None
