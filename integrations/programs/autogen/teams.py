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

from integrations.programs.autogen.building_blocks import assistant, client
from integrations.programs.autogen.gauge_tool import Gauge
from integrations.programs.case_context import World

TASK = "Write of the sea."


async def graphflow_run(world: World) -> str:
    """Three agents, one after the other."""
    agents = _agents(world, "writer", "critic", "editor")
    ended = await _flow(agents, *pairwise(agents)).run(task=TASK)
    return str(ended.messages[-1])


async def graphflow_run_stream(world: World) -> str:
    """One agent, then two at once, then one that waits for both."""
    agents = writer, lawyer, critic, editor = _agents(world, "writer", "lawyer", "critic", "editor")
    edges = ((writer, lawyer), (writer, critic), (lawyer, editor), (critic, editor))
    return await _last(_flow(agents, *edges))


async def client_streaming(world: World) -> str:
    """Two agents whose completions come piece by piece, one of which asks for a tool."""
    gauge = Gauge(world, "writer", "tide", "high at noon")

    def streamed(name: str, **settings: Any) -> AssistantAgent:
        usage = client(world, name, stream_options={"include_usage": True})
        return assistant(world, name, usage, model_client_stream=True, **settings)

    writer = streamed("writer", tools=[gauge], reflect_on_tool_use=True)
    agents = [writer, streamed("critic")]
    return await _last(_flow(agents, *pairwise(agents)))


async def selector(world: World) -> str:
    """A model says who is next: not an agent, but the team's own."""
    agents: list[Any] = _agents(world, "doctor", "climber", "porter")
    team = SelectorGroupChat(agents, client(world, "selector"), max_turns=3)
    return str((await team.run(task="Can we go on?")).messages[-1])


async def swarm(world: World) -> str:
    """An agent says itself who is next, by a tool; the other one hands back."""
    gauge = Gauge(world, "pilot", "wind", "60 km/h")
    porter = assistant(world, "porter", handoffs=["pilot"])
    pilot = assistant(world, "pilot", handoffs=["porter"], tools=[gauge], reflect_on_tool_use=True)
    team = Swarm([porter, pilot], termination_condition=TextMentionTermination("DELIVERED"))
    ended = await team.run(task="Bring the parcel up.")
    for message in ended.messages:
        if isinstance(message, ToolCallExecutionEvent):
            _tell_of_handoffs(world, message)
    return str(ended.messages[-1])


async def round_robin(world: World) -> str:
    """Each in turn, and the first once more."""
    agents: list[Any] = _agents(world, "poet", "critic")
    team = RoundRobinGroupChat(agents, max_turns=3)
    return str((await team.run(task=TASK)).messages[-1])


def _tell_of_handoffs(world: World, executed: ToolCallExecutionEvent) -> None:
    """The tools that hand over are AutoGen's own: what it says of them is all that is known."""
    for result in executed.content:
        if result.name.startswith("transfer_to_"):
            world.ran(executed.source, result.name)


def _agents(world: World, *names: str) -> list[AssistantAgent]:
    return [assistant(world, name) for name in names]


def _flow(agents: list[AssistantAgent], *edges: tuple[AssistantAgent, AssistantAgent]) -> GraphFlow:
    graph = DiGraphBuilder()
    for agent in agents:
        graph.add_node(agent)
    for source, target in edges:
        graph.add_edge(source, target)
    return GraphFlow(list(agents), graph=graph.build())


async def _last(team: GraphFlow) -> str:
    """What a team's stream ends with."""
    last: Any = None
    async for item in team.run_stream(task=TASK):
        last = item
    return str(last.messages[-1])
