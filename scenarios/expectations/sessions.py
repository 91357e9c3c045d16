"""An expectation of a session: that its turns belong together, and each knows those before it."""

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import list_agents, pluralize, shorten


def is_one_session(*, turns: int, user: str = "") -> Expectation:
    """The run is one session of so many turns, each a trace of its own; `of` is who speaks."""
    who = f" of {user}" if user else ""

    def why_not(trace: Trace) -> str | None:
        if trace.session is None:
            return f"it is no session, but {pluralize(len(trace.roots), 'trace')}"
        if len(trace.roots) != turns:
            return f"it has {pluralize(len(trace.roots), 'turn')}"
        return None if trace.session.user == user else f"it is of {trace.session.user or 'nobody'}"

    return Expectation(f"is one session of {pluralize(turns, 'turn')}{who}", why_not)


def each_turn_reaches_outcome(outcome: str) -> Expectation:
    """Every turn of the session ends well, and names this outcome."""

    def why_not(trace: Trace) -> str | None:
        for number, root in enumerate(trace.roots, 1):
            seen = root.attributes.get("flight_recorder.workflow.outcome")
            if root.failed or seen != outcome:
                return f"turn {number} ended {root.status}, its outcome {seen!r}"
        return None

    return Expectation(f"each turn concludes {outcome!r}", why_not)


def remembers_earlier_turns(agent: str) -> Expectation:
    """All that was said and answered in earlier turns stands in the agent's prompt, in order."""

    def why_not(trace: Trace) -> str | None:
        if len(trace.roots) < 2:
            return f"there is nothing to remember in {pluralize(len(trace.roots), 'turn')}"
        said: list[str] = []
        for number, root in enumerate(trace.roots, 1):
            turns = [span for span in root if span.type == "AGENT" and span.agent == agent]
            asked = [span for turn in turns for span in turn if span.type == "LLM"]
            if not asked:
                return f"{agent} made no completion in turn {number}; agents: {list_agents(trace)}"
            if missing := _first_missing(said, asked[0]):
                return f"turn {number} was not told {shorten(missing)!r}"
            said += [message["content"] for message in _messages(root)]
        return None

    return Expectation(f"{agent} remembers each turn", why_not, (agent,))


def _first_missing(said: list[str], completion: Span) -> str | None:
    """The first of what was said that its prompt lacks, or has too early."""
    prompt = iter([message.get("content") for message in completion.inputs["messages"]])
    return next((text for text in said if text not in prompt), None)


def _messages(turn: Span) -> list[dict[str, str]]:
    """What was said in a turn, by the user and then by the one who answered."""
    spoken = (turn.inputs or {}, turn.outputs or {})
    return [message for side in spoken for message in side.get("messages", [])]
