"""Three AutoGen agents measure a clip at the same time; a fourth judges it by their findings.

             ┌──▶ video ──┐
    clip ────┼──▶ audio ──┼── all ──▶ verdict
             └──▶ sync  ──┘

The trace, shortened; ∥ marks turns that overlap:

    verification  [CHAIN]  → altered
      GraphFlow  [CHAIN]
        audio  [AGENT]  ∥ sync, video
          splice  [TOOL]
            measure splice  [MEASUREMENT]
          note_finding  [TOOL]
            write findings  [STATE]  grounded by splice
        audio → verdict  [HANDOFF] …
        verdict  [AGENT] …

Agents share measurements. Read `support/clients/autogen.py` first, then `support/media/tools.py`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import mlflow
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import BaseChatMessage, StructuredMessage
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_core.tools import FunctionTool
from httpx import AsyncClient
from mlflow.entities import SpanType
from pydantic import BaseModel

from instrumentation import traced_http_client
from workflows.model import Model
from workflows.support.clients import autogen
from workflows.support.clients.autogen import OnChunk
from workflows.support.media.clip import Clip
from workflows.support.media.tools import Finding, MediaTools

SPECIALIST = """\
You examine {what} of a clip. Measure with your tools; say nothing that you have not measured.
Note what you found with note_finding, figures with units. Then say it in one or two sentences."""
VERDICT = """\
Judge a clip by what video, audio and sync have found. What they noted comes from recall_findings.
Each reason names the specialist on whose finding it stands: [video], [audio] or [sync].
Where a finding is missing, or a measurement could not be finished, the verdict is unclear.
Answer with JSON alone: {"verdict": "authentic", "altered" or "unclear", "reasons": ["…"]}"""
ARCHIVE_MATCHES = "Which clips of the archive look like this one."
NOTE_FINDING = "Note a finding for the others."
ARCHIVE_URL = "http://127.0.0.1:8766"


class Judgement(BaseModel):
    """The last agent's answer. It is structured, so that no verdict is parsed from free text."""

    verdict: Literal["authentic", "altered", "unclear"]
    reasons: list[str]


@dataclass(frozen=True)
class Verification:
    """The result of a verification; `cites` names the specialists that its reasons cite."""

    outcome: Literal["authentic", "altered", "unclear"]
    reasons: tuple[str, ...]
    cites: tuple[str, ...]


class MediaVerification:
    """Measures a clip, looks it up in the archive at a URL, and judges whether it was altered."""

    specialists: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "video": ("the picture", ("duplicate_frames", "dropped_frames", "flashes")),
        "audio": ("the sound", ("splice", "beeps")),
        "sync": ("picture and sound together", ("sound_offset",)),
    }
    max_tool_rounds = 6
    poll_interval_s = 0.5

    def __init__(
        self, model: Model, *, clip: Clip, archive: str = ARCHIVE_URL, on_chunk: OnChunk = None
    ) -> None:
        self.model, self.clip, self.archive = model, clip, archive
        self.on_chunk, self.streams = on_chunk, on_chunk is not None

    async def run(self, task: str) -> Verification:
        """Verify the clip. Raises `RuntimeError` if a completion fails in spite of its retries."""
        with mlflow.start_span("verification", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            async with traced_http_client() as http:
                tools = MediaTools(self.clip, http, self.archive, key=self.measurement_key)
                messages = await autogen.run_team(self.build_team(tools, http), task, self.on_chunk)
            result = self.conclude(messages)
            span.set_attribute("flight_recorder.workflow.outcome", result.outcome)
            span.set_attributes(tools.state.attributes())
            span.set_outputs(asdict(result))
        return result

    def build_team(self, tools: MediaTools, http: AsyncClient) -> GraphFlow:
        """Build the graph that is drawn at the top of this file."""
        recall = [tools.create_recall_tool("verdict")]
        judge = self.create_agent("verdict", VERDICT, http, recall, output_content_type=Judgement)
        verdict = autogen.FunctionFilterAgent(judge, self.select_for_verdict)
        graph = DiGraphBuilder().add_node(verdict, activation="all")
        for name in self.specialists:
            specialist = self.create_specialist(name, tools, http)
            graph.add_node(specialist).add_edge(specialist, verdict)
        types: list[Any] = [StructuredMessage[Judgement]]
        return GraphFlow(graph.get_participants(), graph=graph.build(), custom_message_types=types)

    def create_specialist(self, name: str, tools: MediaTools, http: AsyncClient) -> AssistantAgent:
        subject, measurements = self.specialists[name]
        own = tools.create_measurement_tools(name, *measurements)
        if name == "video":
            own.append(FunctionTool(partial(self.archive_matches, tools), ARCHIVE_MATCHES))
        own.append(FunctionTool(partial(self.note_finding, tools, name), NOTE_FINDING))
        return self.create_agent(name, SPECIALIST.format(what=subject), http, own)

    def create_agent(
        self, name: str, prompt: str, http: AsyncClient, tools: list[Any], **options: Any
    ) -> AssistantAgent:
        client = autogen.build_client_options(self.model, name, http, self.streams)
        options |= {"system_message": prompt, "tools": tools, "model_client_stream": self.streams}
        options |= {"max_tool_iterations": self.max_tool_rounds, "reflect_on_tool_use": True}
        return AssistantAgent(name, autogen.CompleteAnswerClient(**client), **options)

    def measurement_key(self, agent: str, name: str, from_s: float, to_s: float) -> Hashable:
        """Tool calls with equal keys share one measurement."""
        return name, from_s, to_s

    async def archive_matches(self, tools: MediaTools) -> str:
        """Look the clip up in the archive; wait for as long as the lookup makes progress."""
        progress = await tools.lookup.wait(self.poll_interval_s)
        return tools.record_result("archive_matches", progress.model_dump(exclude={"id"}))

    async def note_finding(self, tools: MediaTools, author: str, finding: Finding) -> str:
        """Add the finding to those of the other agents."""
        return tools.acknowledge_finding(finding, tools.append_finding(author, finding))

    def select_for_verdict(self, messages: Sequence[BaseChatMessage]) -> Sequence[BaseChatMessage]:
        """Select the messages that the verdict is based on: the last of each agent."""
        return autogen.select_last_of_each_source(messages)

    def conclude(self, messages: autogen.Messages) -> Verification:
        answer = next(m.content for m in reversed(messages) if isinstance(m, StructuredMessage))
        cites = [name for name in sorted(self.specialists) if f"[{name}]" in str(answer.reasons)]
        return Verification(answer.verdict, tuple(answer.reasons), tuple(cites))
