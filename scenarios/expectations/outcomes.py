"""Expectations about a run or session as a whole: status, outcome, output, tokens and errors."""

import re
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from scenarios.expectations.expectation import Expectation
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


def reaches_outcome(outcome: str) -> Expectation:
    """The workflow records this outcome, such as "approved" or "out of rounds"."""

    def explain_failure(trace: Trace) -> str | None:
        found = root_attribute(trace, "flight_recorder.workflow.outcome")
        return None if found == outcome else f"the outcome is {found!r}"

    return Expectation(f"the workflow reaches the outcome {outcome!r}", explain_failure)


def output_contains(pattern: str) -> Expectation:
    """The run's output matches this regular expression somewhere."""

    def explain_failure(trace: Trace) -> str | None:
        output = to_text(trace.root.outputs)
        if not output:
            return "the run has no output"
        return (
            None
            if re.search(pattern, output)
            else f"the output {describe_nearest(pattern, output)}"
        )

    return Expectation(f"the output contains /{pattern}/", explain_failure)


def output_lacks(pattern: str) -> Expectation:
    """The run has an output, and this regular expression matches nowhere in it."""

    def explain_failure(trace: Trace) -> str | None:
        output = to_text(trace.root.outputs)
        if not output:
            return "the run has no output"
        found = re.search(pattern, output)
        return f"the output contains {found.group()!r}" if found else None

    return Expectation(f"the output does not contain /{pattern}/", explain_failure)


def has_root_attribute(attribute: str, value: Any) -> Expectation:
    """The root span has this attribute with this value."""

    def explain_failure(trace: Trace) -> str | None:
        found = root_attribute(trace, attribute)
        return None if found == value else f"its value is {found!r}"

    return Expectation(f"{attribute} is {value!r}", explain_failure)


def spends_tokens_at_most(tokens: int) -> Expectation:
    """All completions of the run together use no more tokens than this."""

    def explain_failure(trace: Trace) -> str | None:
        spent = sum(span.tokens.total for span in trace.spans_of_type("LLM"))
        if not spent:
            return "no completion has its tokens recorded"
        return f"it spends {spent} tokens" if spent > tokens else None

    return Expectation(f"the run spends at most {tokens} tokens", explain_failure)


def has_no_errors() -> Expectation:
    """No span of the run has the status ERROR."""

    def explain_failure(trace: Trace) -> str | None:
        failed = [span for span in trace if span.failed]
        return "; ".join(f"{span.name} failed{error_suffix(span)}" for span in failed) or None

    return Expectation("no span has the status ERROR", explain_failure)


def leaves_traces(count: int) -> Expectation:
    """The run leaves this many traces, as a program does that calls in threads, and none fails."""

    def explain_failure(trace: Trace) -> str | None:
        if len(trace.roots) != count:
            return f"it leaves {count_of(len(trace.roots), 'trace')}"
        failed = [span for span in trace if span.failed]
        return "; ".join(f"{span.name} failed{error_suffix(span)}" for span in failed) or None

    return Expectation(
        f"the run leaves {count_of(count, 'trace')} without an error",
        explain_failure,
        counts_traces=True,
    )


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


def each_turn_reaches_outcome(outcome: str) -> Expectation:
    """Every turn of the session succeeds and records this outcome."""

    def explain_failure(trace: Trace) -> str | None:
        for number, root in enumerate(trace.roots, 1):
            found = root.attributes.get("flight_recorder.workflow.outcome")
            if root.failed or found != outcome:
                return f"turn {number} has the status {root.status} and the outcome {found!r}"
        return None

    return Expectation(f"each turn reaches the outcome {outcome!r}", explain_failure)


def avoids_failure(mode: str) -> Expectation:
    """The diagnosis does not find this failure mode, such as "ungrounded answer"."""

    def explain_failure(trace: Trace) -> str | None:
        found = [one for one in diagnose(trace).findings if one.mode == mode]
        places = ", ".join(f"{one.agent}: {one.span}" for one in found)
        return f"the diagnosis finds it: {places}" if found else None

    return Expectation(f"the run avoids the failure {mode!r}", explain_failure)
