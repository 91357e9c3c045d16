"""Record a CHAIN span for each run of an AutoGen team: the parent of its turns.

Without it MLflow records one trace per completion, and nothing connects them. The span also lists
the graph edges that the team checked.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial, wraps
from typing import Any

from patches.patch import Patch
from patches.support.call_wrapping import OnResult, ignore_result, wrap_async_call, wrap_methods
from patches.support.open_span import OpenSpan
from patches.support.span_lifetime import wrap_stream
from patches.support.turn import Edge, message_from_autogen, sort_edges

TEAM_MEMBER = "autogen_agentchat.teams._group_chat._sequential_routed_agent:SequentialRoutedAgent"
RunningTeams = dict[str, "TeamSpan"]
"""The spans of running teams, by the team id that the members know."""


class TeamSpan(OpenSpan):
    """The span of a team's run.

    Attributes:
        edges: The graph edges that were checked so far.
        active_turns: The turns of its members that have not ended.
        overlaps: Pairs of members whose turns overlapped.
    """

    def __init__(self, team: Any, task: Any, running_teams: RunningTeams) -> None:
        super().__init__(
            team,
            team.name,
            "CHAIN",
            inputs={"task": _task_to_json(task)},
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": team.name,
            },
        )
        self.edges: list[Edge] = []
        self.active_turns: set[Any] = set()
        self.overlaps: set[frozenset[str]] = set()
        self._edges_taken: dict[str, int] = {}
        self._running_teams = running_teams
        running_teams.setdefault(team._team_id, self)

    def take_new_edges(self, agent: str) -> tuple[Edge, ...]:
        """Return the edges checked since the last call for this agent, oldest first."""
        start, self._edges_taken[agent] = self._edges_taken.get(agent, 0), len(self.edges)
        return tuple(self.edges[start:])

    def record_item(self, item: Any) -> None:
        """Record the run's result; ignore other events."""
        if hasattr(item, "stop_reason"):
            last = message_from_autogen(item.messages[-1]).to_dict() if item.messages else None
            self.is_complete = True
            self.outputs = {"stop_reason": item.stop_reason, "message": last}

    def end(self, error: BaseException | None = None) -> None:
        if self.edges and not self.is_ended:
            edges = sort_edges(self.edges, self.overlaps)
            self.span.set_attribute("flight_recorder.routing.edges", [str(edge) for edge in edges])
        if self._running_teams.get(self.owner._team_id) is self:
            del self._running_teams[self.owner._team_id]
        super().end(error)


def _apply() -> AbstractContextManager[None]:
    from autogen_agentchat.teams import BaseGroupChat, DiGraphEdge
    from autogen_agentchat.teams._group_chat._sequential_routed_agent import SequentialRoutedAgent

    running_teams: RunningTeams = {}
    handle_message = partial(_handle_message, running_teams)
    return wrap_methods(
        (BaseGroupChat, "run_stream", partial(wrap_stream, partial(_open_span, running_teams))),
        (SequentialRoutedAgent, "on_message_impl", partial(wrap_async_call, handle_message)),
        (DiGraphEdge, "check_condition", _wrap_check_condition),
    )


def _open_span(
    running_teams: RunningTeams, team: Any, *args: Any, task: Any = None, **kwargs: Any
) -> TeamSpan | None:
    """Open a span for each run; `run` calls `run_stream`, so both leave one span."""
    return None if TeamSpan.is_open_for(team) else TeamSpan(team, task, running_teams)


@contextmanager
def _handle_message(
    running_teams: RunningTeams, member: Any, *args: Any, **kwargs: Any
) -> Generator[OnResult]:
    """Make the team's span current while a member handles a message.

    If the team creates its own runtime, the runtime's tasks start inside the run. A runtime that
    the user passes in was started before, outside the team's span.
    """
    team = running_teams.get(member.id.key)
    if team is None or TeamSpan.nearest() is team:
        yield ignore_result
        return
    with team.active():
        yield ignore_result


def _wrap_check_condition(check_condition: Callable[..., bool]) -> Callable[..., bool]:
    """Record the check of an edge; a graph checks it once per message of the edge's source."""

    @wraps(check_condition)
    def recorded_check(self: Any, message: Any, *args: Any, **kwargs: Any) -> bool:
        condition_met = check_condition(self, message, *args, **kwargs)
        if (team := TeamSpan.nearest()) is not None:
            condition = _condition_name(self.condition_function or self.condition)
            team.edges.append(Edge(message.source, self.target, condition, condition_met))
        return condition_met

    return recorded_check


def _condition_name(condition: Any) -> str | None:
    """Return the name of a condition's function, or the text that the edge searches for."""
    if condition is None or isinstance(condition, str):
        return condition
    if isinstance(condition, partial):
        return _condition_name(condition.func)
    name: str = getattr(condition, "__qualname__", type(condition).__qualname__)
    local_name = name.rpartition("<locals>.")[2]
    return name if local_name == "<lambda>" else local_name


def _task_to_json(task: Any) -> Any:
    """Return a task as text or as a list of messages."""
    if task is None or isinstance(task, str):
        return task
    messages = task if isinstance(task, list) else [task]
    return [message_from_autogen(message).to_dict() for message in messages]


PATCH = Patch(
    name="autogen.team_spans",
    symptom="a run of an AutoGen team leaves one trace per completion, without a common root",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10,<3.19", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `BaseGroupChat.run_stream`",
    canary="tests/patches/autogen/test_team_spans.py"
    "::test_upstream_autolog_leaves_one_trace_for_a_team",
    apply=_apply,
    wraps={
        "autogen_agentchat.teams:BaseGroupChat.run_stream": "self, task",
        f"{TEAM_MEMBER}.on_message_impl": "self, message",
        "autogen_agentchat.teams:DiGraphEdge.check_condition": "self, message",
        "autogen_agentchat.teams:DiGraphEdge.target": "",
        "autogen_agentchat.teams:DiGraphEdge.condition": "",
        "autogen_agentchat.teams:DiGraphEdge.condition_function": "",
    },
)
