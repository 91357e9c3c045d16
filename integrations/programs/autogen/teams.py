"""AutoGen programs with teams: GraphFlow, SelectorGroupChat, Swarm, RoundRobinGroupChat."""

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

from integrations.programs.autogen.building_blocks import GaugeTool, make_assistant, make_client
from integrations.programs.case_context import CaseContext

TASK = "Write of the sea."


async def graphflow_run(context: CaseContext) -> str:
    """Three agents in sequence."""
    agents = _make_assistants(context, "writer", "critic", "editor")
    result = await _make_graphflow(agents, *pairwise(agents)).run(task=TASK)
    return str(result.messages[-1])


async def graphflow_run_stream(context: CaseContext) -> str:
    """One agent, then two in parallel, then one that waits for both."""
    agents = _make_assistants(context, "writer", "lawyer", "critic", "editor")
    writer, lawyer, critic, editor = agents
    edges = ((writer, lawyer), (writer, critic), (lawyer, editor), (critic, editor))
    return await _run_stream(_make_graphflow(agents, *edges))


async def client_streaming(context: CaseContext) -> str:
    """Two agents whose clients stream. One of them calls a tool."""
    gauge = GaugeTool(context, "writer", "tide", "high at noon")

    def make_streaming_assistant(name: str, **settings: Any) -> AssistantAgent:
        client = make_client(context, name, stream_options={"include_usage": True})
        return make_assistant(context, name, client, model_client_stream=True, **settings)

    writer = make_streaming_assistant("writer", tools=[gauge], reflect_on_tool_use=True)
    agents = [writer, make_streaming_assistant("critic")]
    return await _run_stream(_make_graphflow(agents, *pairwise(agents)))


async def selector(context: CaseContext) -> str:
    """A model of the team's own selects the next speaker."""
    agents: list[Any] = _make_assistants(context, "doctor", "climber", "porter")
    team = SelectorGroupChat(agents, make_client(context, "selector"), max_turns=3)
    return str((await team.run(task="Can we go on?")).messages[-1])


async def swarm(context: CaseContext) -> str:
    """An agent hands over with a tool, and the other one hands back."""
    gauge = GaugeTool(context, "pilot", "wind", "60 km/h")
    porter = make_assistant(context, "porter", handoffs=["pilot"])
    pilot = make_assistant(
        context, "pilot", handoffs=["porter"], tools=[gauge], reflect_on_tool_use=True
    )
    team = Swarm([porter, pilot], termination_condition=TextMentionTermination("DELIVERED"))
    result = await team.run(task="Bring the parcel up.")
    for message in result.messages:
        if isinstance(message, ToolCallExecutionEvent):
            _record_handoff_tools(context, message)
    return str(result.messages[-1])


async def round_robin(context: CaseContext) -> str:
    """Each agent in turn, and the first one again."""
    agents: list[Any] = _make_assistants(context, "poet", "critic")
    team = RoundRobinGroupChat(agents, max_turns=3)
    return str((await team.run(task=TASK)).messages[-1])


def _record_handoff_tools(context: CaseContext, event: ToolCallExecutionEvent) -> None:
    """Record the runs of handoff tools from AutoGen's event, because the tools are its own."""
    for result in event.content:
        if result.name.startswith("transfer_to_"):
            context.record_tool_run(event.source, result.name)


def _make_assistants(context: CaseContext, *names: str) -> list[AssistantAgent]:
    return [make_assistant(context, name) for name in names]


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
    """Run a team with `run_stream` and return its last message."""
    last: Any = None
    async for item in team.run_stream(task=TASK):
        last = item
    return str(last.messages[-1])
