"""An expectation of overlap: whose turns in a team were under way at the same time."""

from collections.abc import Mapping, Sequence
from typing import Any

from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import list_agents


def works_concurrently(*team: str) -> Expectation:
    """Each of these agents has a turn while each of the others has one."""

    def why_not(trace: Trace) -> str | None:
        for agent in team:
            if not trace.turns(agent):
                return f"{agent} took no turn; agents: {list_agents(trace)}"
            beside = {
                one for turn in trace.turns(agent) for one in _concurrent_agents(turn.attributes)
            }
            if missing := [one for one in team if one not in (agent, *beside)]:
                alone = f"alongside {', '.join(sorted(beside))}" if beside else "alone"
                return f"{agent} worked {alone}, without {', '.join(missing)}"
        return None

    return Expectation(f"{', '.join(team)} work alongside each other", why_not, team)


def _concurrent_agents(attributes: Mapping[str, Any]) -> Sequence[str]:
    alongside: Sequence[str] = attributes.get("flight_recorder.turn.alongside", ())
    return alongside
