"""Real AutoGen agents whose completions a replay server answers."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_ext.models.openai import OpenAIChatCompletionClient

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import RunHandle
from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from workflows.model import AGENT_HEADER
from workflows.support.clients.autogen import MODEL_INFO

API_KEY = "sk-never-to-be-seen"
Line = dict[str, Any]


def reply_line(lane: str, content: str, **more: Any) -> Line:
    """Return a tape line with a reply to the agent `lane`."""
    return {"lane": lane, "origin": "scripted", "reply": {"content": content, **more}}


def tool_calls_line(lane: str, *tools: tuple[str, Any]) -> Line:
    """Return a tape line with a reply that calls tools, each given by name and arguments."""
    calls = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return {"lane": lane, "origin": "scripted", "reply": {"content": None, "tool_calls": calls}}


@contextmanager
def replay_lines(
    tmp_path: Path, *lines: Line, faults: Iterable[Fault] = ()
) -> Generator[ReplayServer]:
    """Run a replay server that answers from these tape lines."""
    file = tmp_path / "tape.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    with replay_tape(Tape.load(file), faults=faults) as replay:
        yield replay


def client(replay: ReplayServer, lane: str, **settings: Any) -> OpenAIChatCompletionClient:
    """Return the model client of one agent; by default it does not retry."""
    defaults: dict[str, Any] = {
        "model": "taped",
        "base_url": replay.base_url,
        "api_key": API_KEY,
        "model_info": MODEL_INFO,
        "max_retries": 0,
        "default_headers": {AGENT_HEADER: lane},
        "stream_options": {"include_usage": True},
    }
    return OpenAIChatCompletionClient(**defaults | settings)


def agent(replay: ReplayServer, name: str, **settings: Any) -> AssistantAgent:
    """Return an assistant; the setting `client` holds settings of its model client."""
    client_settings = settings.pop("client", {})
    if not settings.get("model_client_stream"):
        client_settings = {"stream_options": None} | client_settings
    return AssistantAgent(name, client(replay, name, **client_settings), **settings)


def chain(*agents: Any, **settings: Any) -> GraphFlow:
    """Return a GraphFlow in which the agents work one after another."""
    graph = DiGraphBuilder()
    for member in agents:
        graph.add_node(member)
    for source, target in pairwise(agents):
        graph.add_edge(source, target)
    return GraphFlow(list(agents), graph=graph.build(), **settings)


def load_trace(run: RunHandle) -> Trace:
    """Load the trace that a run left in the store."""
    return trace_from_mlflow(trace.to_dict() for trace in run.traces())


def trace_outline(trace: Trace) -> list[str]:
    """Return one line `name TYPE STATUS` per span; children are indented by two spaces."""

    def lines(span: Any, depth: int) -> Generator[str]:
        yield f"{'  ' * depth}{span.name} {span.type} {span.status}"
        for child in span.children:
            yield from lines(child, depth + 1)

    return [line for root in trace.roots for line in lines(root, 0)]


def span_names(trace: Trace, span_type: str) -> Sequence[str]:
    return [span.name for span in trace.spans_of_type(span_type)]
