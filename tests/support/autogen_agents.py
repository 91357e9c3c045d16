"""Taped agents: real AutoGen agents whose completions a replay server answers, for the tests."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import mlflow
import orjson
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_ext.models.openai import OpenAIChatCompletionClient

from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.tracing import RunHandle
from patches.mlflow.export_queue import fast_flush
from patches.patch import Patch, apply_patches
from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.tape import Tape
from workflows.clients.autogen import MODEL_INFO
from workflows.model import AGENT_HEADER

API_KEY = "sk-never-to-be-seen"
Line = dict[str, Any]


@contextmanager
def upstream_autogen_autolog(uri: str, *patches: Patch) -> Generator[None]:
    """`mlflow.autogen.autolog()` as it comes, with only the patches that are named.

    And with a prompt flush, which changes nothing but how long the tests take.
    """
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("plain")
    mlflow.autogen.autolog(silent=True)
    try:
        with apply_patches(fast_flush.PATCH, *patches):
            yield
            mlflow.flush_trace_async_logging()
    finally:
        mlflow.autogen.autolog(disable=True, silent=True)
        mlflow.set_tracking_uri(before)


def reply_line(lane: str, content: str, **more: Any) -> Line:
    """A line of the tape: `lane` answers so."""
    return {"lane": lane, "origin": "scripted", "reply": {"content": content, **more}}


def tool_calls_line(lane: str, *tools: tuple[str, Any]) -> Line:
    """A line of the tape: `lane` asks for tool calls, each a name and its arguments."""
    named = [{"name": name, "arguments": arguments} for name, arguments in tools]
    return {"lane": lane, "origin": "scripted", "reply": {"content": None, "tool_calls": named}}


@contextmanager
def replay_lines(
    tmp_path: Path, *lines: Line, faults: Iterable[Fault] = ()
) -> Generator[ReplayServer]:
    """Answer from these lines."""
    file = tmp_path / "tape.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    with replay_tape(Tape.load(file), faults=faults) as replay:
        yield replay


def client(replay: ReplayServer, lane: str, **settings: Any) -> OpenAIChatCompletionClient:
    """The client of one agent, which does not retry unless told to."""
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
    """An assistant; `client=` settings go to its client."""
    own = settings.pop("client", {})
    if not settings.get("model_client_stream"):
        own = {"stream_options": None} | own
    return AssistantAgent(name, client(replay, name, **own), **settings)


def chain(*agents: Any, **settings: Any) -> GraphFlow:
    """A GraphFlow in which each agent follows the one before it."""
    graph = DiGraphBuilder()
    for one in agents:
        graph.add_node(one)
    for source, target in pairwise(agents):
        graph.add_edge(source, target)
    return GraphFlow(list(agents), graph=graph.build(), **settings)


def load_trace(run: RunHandle) -> Trace:
    """What the run left, in the store, as a tree."""
    return trace_from_mlflow(trace.to_dict() for trace in run.traces())


def trace_outline(trace: Trace) -> list[str]:
    """`name TYPE STATUS`, a span a line, children indented by two spaces beneath their parent."""

    def lines(span: Any, depth: int) -> Generator[str]:
        yield f"{'  ' * depth}{span.name} {span.type} {span.status}"
        for child in span.children:
            yield from lines(child, depth + 1)

    return [line for root in trace.roots for line in lines(root, 0)]


def span_names(trace: Trace, kind: str) -> Sequence[str]:
    return [span.name for span in trace.spans_of_type(kind)]
