"""Teams: several agents, and who says which of them is next."""

from itertools import pairwise
from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import TextMentionTermination
from autogen_agentchat.messages import ToolCallExecutionEvent
from autogen_agentchat.teams import (
    DiGraphBuilder,
    GraphFlow,
    RoundRobinGroupChat,
    SelectorGroupChat,
    Swarm,
)

from integrations.programs.autogen.building_blocks import make_assistant, make_client
from integrations.programs.autogen.gauge_tool import GaugeTool
from integrations.programs.case_context import CaseContext

TASK = "Write of the sea."


async def graphflow_run(world: CaseContext) -> str:
    """Three agents, one after the other."""
    agents = _make_assistants(world, "writer", "critic", "editor")
    ended = await _make_graphflow(agents, *pairwise(agents)).run(task=TASK)
    return str(ended.messages[-1])


async def graphflow_run_stream(world: CaseContext) -> str:
    """One agent, then two at once, then one that waits for both."""
    agents = writer, lawyer, critic, editor = _make_assistants(
        world, "writer", "lawyer", "critic", "editor"
    )
    edges = ((writer, lawyer), (writer, critic), (lawyer, editor), (critic, editor))
    return await _run_stream(_make_graphflow(agents, *edges))


async def client_streaming(world: CaseContext) -> str:
    """Two agents whose completions come piece by piece, one of which asks for a tool."""
    gauge = GaugeTool(world, "writer", "tide", "high at noon")

    def make_streaming_assistant(name: str, **settings: Any) -> AssistantAgent:
        usage = make_client(world, name, stream_options={"include_usage": True})
        return make_assistant(world, name, usage, model_client_stream=True, **settings)

    writer = make_streaming_assistant("writer", tools=[gauge], reflect_on_tool_use=True)
    agents = [writer, make_streaming_assistant("critic")]
    return await _run_stream(_make_graphflow(agents, *pairwise(agents)))


async def selector(world: CaseContext) -> str:
    """A model says who is next: not an agent, but the team's own."""
    agents: list[Any] = _make_assistants(world, "doctor", "climber", "porter")
    team = SelectorGroupChat(agents, make_client(world, "selector"), max_turns=3)
    return str((await team.run(task="Can we go on?")).messages[-1])


async def swarm(world: CaseContext) -> str:
    """An agent says itself who is next, by a tool; the other one hands back."""
    gauge = GaugeTool(world, "pilot", "wind", "60 km/h")
    porter = make_assistant(world, "porter", handoffs=["pilot"])
    pilot = make_assistant(
        world, "pilot", handoffs=["porter"], tools=[gauge], reflect_on_tool_use=True
    )
    team = Swarm([porter, pilot], termination_condition=TextMentionTermination("DELIVERED"))
    ended = await team.run(task="Bring the parcel up.")
    for message in ended.messages:
        if isinstance(message, ToolCallExecutionEvent):
            _record_handoff_tools(world, message)
    return str(ended.messages[-1])


async def round_robin(world: CaseContext) -> str:
    """Each in turn, and the first once more."""
    agents: list[Any] = _make_assistants(world, "poet", "critic")
    team = RoundRobinGroupChat(agents, max_turns=3)
    return str((await team.run(task=TASK)).messages[-1])


def _record_handoff_tools(world: CaseContext, executed: ToolCallExecutionEvent) -> None:
    """The tools that hand over are AutoGen's own: what it says of them is all that is known."""
    for result in executed.content:
        if result.name.startswith("transfer_to_"):
            world.record_tool_run(executed.source, result.name)


def _make_assistants(world: CaseContext, *names: str) -> list[AssistantAgent]:
    return [make_assistant(world, name) for name in names]


def _make_graphflow(
    agents: list[AssistantAgent], *edges: tuple[AssistantAgent, AssistantAgent]
) -> GraphFlow:
    graph = DiGraphBuilder()
    for agent in agents:
        graph.add_node(agent)
    for source, target in edges:
        graph.add_edge(source, target)
    return GraphFlow(list(agents), graph=graph.build())


async def _run_stream(team: GraphFlow) -> str:
    """What a team's stream ends with."""
    last: Any = None
    async for item in team.run_stream(task=TASK):
        last = item
    return str(last.messages[-1])
