"""A clip is verified by three specialists at once, and by one who judges what they found.

             ┌──▶ video ──┐
    clip ────┼──▶ audio ──┼── all ──▶ verdict
             └──▶ sync  ──┘

In the trace: the three turns bear which others ran alongside; in each, the completions, the tools
and the measurements that were really made; then a handoff from each to the verdict, which cites
them. What a specialist noted for the others is a STATE span in the call that noted it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import mlflow
from autogen_agentchat.base import ChatAgent
from autogen_agentchat.messages import StructuredMessage
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow
from autogen_ext.models.openai import OpenAIChatCompletionClient
from mlflow.entities import SpanType
from pydantic import BaseModel

from instrumentation.http_attempts.http_client import traced_http_client
from workflows.client import Clients, WholeAnswers
from workflows.clip import Clip
from workflows.findings import Notes, kept_together
from workflows.hearing import Listener, Messages, heard
from workflows.lookup import Archive, Waits, until_done
from workflows.measured import Asked, Measured, whoever_asks
from workflows.media_tools import Desk
from workflows.model import Model
from workflows.reading import Reader, Reads, last_of_each

SPECIALIST = """\
You examine {what} of a clip. Measure with your tools; say nothing that you have not measured.
Note what you found with note_finding, figures with units. Then say it in one or two sentences."""
VERDICT = """\
Judge a clip by what video, audio and sync have found. What they noted comes from recall_findings.
Each reason names the specialist on whose finding it stands: [video], [audio] or [sync].
Where a finding is missing, or a measurement could not be finished, the verdict is unclear.
Answer with JSON alone: {"verdict": "authentic", "altered" or "unclear", "reasons": ["…"]}"""


class Judgement(BaseModel):
    """What the last agent decides. The verdict is a field, so that no prose is taken for it."""

    verdict: Literal["authentic", "altered", "unclear"]
    reasons: list[str]


@dataclass(frozen=True)
class Verification:
    """How a verification ended; `cites` are the specialists on whom its reasons stand."""

    outcome: Literal["authentic", "altered", "unclear"]
    reasons: tuple[str, ...]
    cites: tuple[str, ...]


async def verify(
    task: str,
    model: Model,
    *,
    clip: Clip,
    archive: str = "http://127.0.0.1:8766",
    measures: Callable[[Asked], Hashable] = whoever_asks,
    notes: Notes = kept_together,
    verdict_reads: Reads = last_of_each,
    waits: Waits = until_done,
    poll_every_s: float = 0.5,
    rounds: int = 6,
    client: Callable[..., OpenAIChatCompletionClient] = WholeAnswers,
    deadline_s: float | None = 60.0,
    retries: int = 2,
    on_text: Listener | None = None,
) -> Verification:
    """Measure the clip, look for it in the archive, and judge whether it was altered.

    `measures` says when two requests are for one measurement, `notes` how a finding is noted,
    `verdict_reads` what is put before the verdict, `waits` how an archive is waited for that is
    asked every `poll_every_s`. With `on_text` the agents stream, and it is told who says what.
    Raises `RuntimeError`, as AutoGen does, when a completion fails for good.
    """
    async with traced_http_client() as http:
        clients = Clients(model, http, client, deadline_s, retries, streams=on_text is not None)
        looked_up = Archive(http, archive, deadline_s)
        desk = Desk(clip, Measured(clip, measures), looked_up, notes, waits, poll_every_s)
        specialists = media_specialists(clients, desk, rounds)
        tools = [desk.recall_findings("verdict")]
        judge = Reader(clients.agent("verdict", VERDICT, Judgement, tools, rounds), verdict_reads)

        with mlflow.start_span("verification", span_type=SpanType.CHAIN) as span:
            span.set_inputs({"task": task})
            ended = concluded(await heard(media_team(specialists, judge), task, on_text))
            span.set_attributes(
                {"flight_recorder.workflow.outcome": ended.outcome, **desk.state.attributes()}
            )
            span.set_outputs(asdict(ended))
    return ended


def media_specialists(clients: Clients, desk: Desk, rounds: int) -> Sequence[ChatAgent]:
    """Video, audio and sync, each with the tools that its work takes."""

    def specialist(name: str, what: str, *tools: Any) -> ChatAgent:
        prompt = SPECIALIST.format(what=what)
        return clients.agent(name, prompt, tools=[*tools, desk.note_finding(name)], rounds=rounds)

    video = desk.measure("video", "duplicate_frames", "dropped_frames", "flashes")
    audio = desk.measure("audio", "splice", "beeps")
    return (
        specialist("video", "the picture", *video, desk.archive_matches()),
        specialist("audio", "the sound", *audio),
        specialist("sync", "picture and sound together", desk.sound_offset("sync")),
    )


def media_team(specialists: Sequence[ChatAgent], judge: ChatAgent) -> GraphFlow:
    """The graph at the top of this file: nobody waits for anyone, and the judge for all."""
    graph = DiGraphBuilder()
    for specialist in specialists:
        graph.add_node(specialist)
    graph.add_node(judge, activation="all")
    for specialist in specialists:
        graph.add_edge(specialist, judge)
    return GraphFlow(
        graph.get_participants(),
        graph=graph.build(),
        custom_message_types=[StructuredMessage[Judgement]],
    )


def concluded(messages: Messages) -> Verification:
    """The verdict, and whom it cites."""
    judgement = next(m.content for m in reversed(messages) if isinstance(m, StructuredMessage))
    spoke = dict.fromkeys(message.source for message in messages)
    cites = tuple(name for name in spoke if any(f"[{name}]" in r for r in judgement.reasons))
    return Verification(judgement.verdict, tuple(judgement.reasons), tuple(sorted(cites)))
