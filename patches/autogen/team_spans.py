"""A CHAIN span for each run of an AutoGen team: the parent of its turns, with the edges it tried.

Without it MLflow records a team as one trace a completion: nothing ties them together.
"""

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from typing import Any

from patches.patch import Patch
from patches.support.open_span import OpenSpan, trace_stream
from patches.support.subclass_wrapping import wrap_in_subclasses
from patches.support.turn import Edge, message_from_autogen, sort_edges

RunningTeams = dict[str, "TeamSpan"]
"""The teams at work, by the id that their members know them by."""


class TeamSpan(OpenSpan):
    """The span of a team at work. It keeps the edges that its graph tried."""

    def __init__(self, team: Any, task: Any, running: RunningTeams) -> None:
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
        """The turns of its members that are under way."""
        self.overlaps: set[frozenset[str]] = set()
        """Pairs of members who had a turn at the same time."""
        self._known: dict[str, int] = {}
        self._running = running
        running.setdefault(team._team_id, self)

    def take_new_edges(self, agent: str) -> tuple[Edge, ...]:
        """The edges tried since this was last asked for the same agent, oldest first."""
        start, self._known[agent] = self._known.get(agent, 0), len(self.edges)
        return tuple(self.edges[start:])

    def record_item(self, item: Any) -> None:
        """Keep the result; other events pass by."""
        if hasattr(item, "stop_reason"):
            last = message_from_autogen(item.messages[-1]).to_dict() if item.messages else None
            self.complete = True
            self.outputs = {"stop_reason": item.stop_reason, "message": last}

    def end(self, error: BaseException | None = None) -> None:
        if self.edges and not self.is_ended:
            tried = sort_edges(self.edges, self.overlaps)
            self.span.set_attribute(
                "flight_recorder.routing.edges", [str(route) for route in tried]
            )
        if self._running.get(self.owner._team_id) is self:
            del self._running[self.owner._team_id]
        super().end(error)


@contextmanager
def _apply() -> Generator[None]:
    from autogen_agentchat.teams import BaseGroupChat, DiGraphEdge
    from autogen_agentchat.teams._group_chat._sequential_routed_agent import SequentialRoutedAgent

    running: RunningTeams = {}
    recorded, joined = partial(_wrap_run_stream, running), partial(_wrap_on_message, running)
    with ExitStack() as stack:
        stack.enter_context(wrap_in_subclasses(BaseGroupChat, "run_stream", recorded))
        stack.enter_context(wrap_in_subclasses(SequentialRoutedAgent, "on_message_impl", joined))
        stack.enter_context(
            wrap_in_subclasses(DiGraphEdge, "check_condition", _wrap_check_condition)
        )
        yield


def _wrap_run_stream(running: RunningTeams, run_stream: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap `run_stream`; `run` calls it, so both leave one span."""

    @wraps(run_stream)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        items: AsyncIterator[Any] = run_stream(self, *args, **kwargs)
        if TeamSpan.is_open_for(self):
            return items
        return trace_stream(partial(TeamSpan, self, kwargs.get("task"), running), items)

    return recorded


def _wrap_on_message(running: RunningTeams, on_message: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what each member of a team does with a message: it belongs to the team's run.

    A runtime of the team's own starts its tasks inside the run. One that was brought along was
    started before, and knows of no run.
    """

    @wraps(on_message)
    async def joined(self: Any, message: Any, ctx: Any) -> Any:
        team = running.get(self.id.key)
        if team is None or TeamSpan.nearest() is team:
            return await on_message(self, message, ctx)
        with team.active():
            return await on_message(self, message, ctx)

    return joined


def _wrap_check_condition(check_condition: Callable[..., bool]) -> Callable[..., bool]:
    """Wrap the check of an edge, which a graph does once for each message of the edge's source."""

    @wraps(check_condition)
    def remembered(self: Any, message: Any) -> bool:
        held = check_condition(self, message)
        if (team := TeamSpan.nearest()) is not None:
            condition = _condition_name(self.condition_function or self.condition)
            team.edges.append(Edge(message.source, self.target, condition, held))
        return held

    return remembered


def _condition_name(condition: Any) -> str | None:
    """What a reader calls a condition: the function's name, or the text that the edge looks for."""
    if condition is None or isinstance(condition, str):
        return condition
    if isinstance(condition, partial):
        return _condition_name(condition.func)
    name: str = getattr(condition, "__qualname__", type(condition).__qualname__)
    own = name.rpartition("<locals>.")[2]
    return name if own == "<lambda>" else own


def _task_to_json(task: Any) -> Any:
    """A task as text, or as the messages that it is made of."""
    if task is None or isinstance(task, str):
        return task
    return [
        message_from_autogen(message).to_dict()
        for message in (task if isinstance(task, list) else [task])
    ]


PATCH = Patch(
    name="autogen_teams",
    symptom="a run of an AutoGen team is one trace for each completion, without a root",
    upstream="mlflow.autogen.autolog (mlflow/autogen/__init__.py)",
    versions={"mlflow": ">=3.10", "autogen-agentchat": ">=0.7,<0.8"},
    delete_when="autolog() records `BaseGroupChat.run_stream`",
    canary="tests/patches/autogen/test_team_spans.py::test_autolog_alone_leaves_one_trace_for_a_team",
    apply=_apply,
)
