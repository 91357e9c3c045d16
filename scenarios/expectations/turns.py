"""Expectations about turns: how many, which overlap, failed attempts, the last completion's end."""

from instrumentation.trace import Trace
from scenarios.expectations.calls.tools import spans_of
from scenarios.expectations.expectation import Expectation, expectation
from scenarios.expectations.wording import error_suffix, list_agents
from scenarios.reports.wording import count_of


@expectation("{agent} takes {times:turn}")
def takes_turns(trace: Trace, agent: str, times: int) -> str | None:
    """The agent takes exactly this many turns."""
    found = len(trace.turns(agent))
    if found == times:
        return None
    return f"it took {count_of(found, 'turn')}; agents at work: {list_agents(trace)}"


@expectation("{agent} never runs")
def never_runs(trace: Trace, agent: str) -> str | None:
    """The agent takes no turn, in a trace that has turns of others."""
    if not trace.agents:
        return "the trace has no turn of any agent"
    found = len(trace.turns(agent))
    return f"it took {count_of(found, 'turn')}" if found else None


@expectation("{team} work at the same time", agents=("team",))
def works_concurrently(trace: Trace, *team: str) -> str | None:
    """Each of these agents has a turn that overlaps with a turn of each of the others."""
    for agent in team:
        if not trace.turns(agent):
            return f"{agent} took no turn; agents at work: {list_agents(trace)}"
        others = {name for turn in trace.turns(agent) for name in turn.concurrent_agents}
        if missing := [name for name in team if name not in (agent, *others)]:
            company = f"alongside {', '.join(sorted(others))}" if others else "alone"
            return f"{agent} worked {company}, without {', '.join(missing)}"
    return None


def last_completion_ends(agent: str, *, status: str, message: str = "") -> Expectation:
    """The agent's last completion has this status and a status message containing `message`."""

    def explain_failure(trace: Trace) -> str | None:
        completions = spans_of(trace, agent, "LLM")
        if not completions:
            return f"{agent} made no completion; agents at work: {list_agents(trace)}"
        last = completions[-1]
        if last.status == status and message in last.status_message:
            return None
        return f"its status is {last.status}{error_suffix(last)}"

    containing = f" and a message containing {message!r}" if message else ""
    return Expectation(
        f"the last completion of {agent} ends with status {status}{containing}",
        explain_failure,
        (agent,),
        signals_failure=status == "ERROR",
    )


def has_failed_attempts(error: str, *, agent: str, times: int = 1) -> Expectation:
    """Exactly this many HTTP attempts of the agent fail, each with this error.

    An error is the name of an ATTEMPT span, such as `HTTP 429` or `ReadTimeout`.
    """

    def explain_failure(trace: Trace) -> str | None:
        found = [span.name for span in spans_of(trace, agent, "ATTEMPT")]
        if found == [error] * times:
            return None
        return f"failed attempts of {agent}: {', '.join(found) or 'none'}"

    fail = "fails" if times == 1 else "fail"
    description = f"{count_of(times, 'HTTP attempt')} of {agent} {fail} with {error}"
    return Expectation(description, explain_failure, (agent,))
