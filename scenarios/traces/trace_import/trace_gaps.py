"""Find what a replay of an imported trace needs and the trace does not hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.trace import Span, Trace
from instrumentation.trace.completions import Completion
from patches.support.completion_attributes import CLOSED_EARLY_ATTRIBUTE
from scenarios.tape.requests.conversation import to_chat_request


@dataclass(frozen=True)
class Gap:
    """One thing that the trace does not hold.

    Attributes:
        missing: What kind of thing it is: "completion", "reply", "usage" and so on.
        subject: The agent, the tool or the span that it concerns.
        description: What is missing and what follows from it, as a sentence.
        breaks_replay: Whether the imported tape cannot answer the whole run.
    """

    missing: str
    subject: str
    description: str
    breaks_replay: bool = False

    def __str__(self) -> str:
        return f"{self.subject}: {self.description}" if self.subject else self.description


def find_trace_gaps(trace: Trace, completions: Sequence[Completion]) -> Iterator[Gap]:
    """Yield what concerns the trace as a whole."""
    if not completions:
        yield Gap(
            "completion",
            "",
            "the trace has no completions (no span of type LLM or CHAT_MODEL), so there is nothing"
            " to replay; was the framework or the client instrumented?",
            breaks_replay=True,
        )
        return
    if len(trace.roots) > 1 and trace.session is None:
        yield Gap(
            "root",
            "",
            f"the spans have {len(trace.roots)} roots and are taken as one run: how the agents work"
            " together is not in the trace",
        )
    yield Gap(
        "stream",
        "",
        "a trace has no stream frames: a streamed reply is sent in pieces of the server's own",
    )
    for span in trace.spans_of_type("EMBEDDING"):
        yield Gap(
            "vectors",
            span.name,
            "the trace does not hold the vectors of this embeddings request; add a line",
            breaks_replay=True,
        )


def find_completion_gaps(completions: Sequence[Completion]) -> Iterator[Gap]:
    """Yield what each completion lacks, one sentence per agent and kind."""
    gaps = dict.fromkeys(gap for one in completions for gap in _gaps_of(one))
    yield from gaps


def _gaps_of(completion: Completion) -> Iterator[Gap]:
    subject = completion.agent or f"span {completion.span.name}"
    if completion.reply is None:
        yield _missing_reply(completion.span, subject)
        return
    if completion.request is None:
        yield Gap(
            "conversation",
            subject,
            "the trace has no message contents of its requests: its lines answer whatever it asks,"
            " in order, so a changed prompt goes unnoticed",
        )
    else:
        yield from _request_gaps(completion.request, completion.reply, subject)
    if completion.span.attributes.get(CLOSED_EARLY_ATTRIBUTE):
        yield Gap(
            "reply",
            subject,
            "the program closed a stream early: the line has the reply as far as it was read",
        )
    if not completion.agent:
        yield Gap(
            "agent",
            subject,
            "no span around the completion names its agent: the lane is named by its prompt",
        )
    if not completion.span.tokens.total:
        yield Gap(
            "usage",
            subject,
            "the trace has no token usage: the replayed reply reports none",
        )


def _missing_reply(span: Span, subject: str) -> Gap:
    if span.failed:
        reason = span.status_message.splitlines()[0] if span.status_message else span.status
        return Gap(
            "reply",
            subject,
            f"a completion failed ({reason}): the tape has no line for it; replay the failure with"
            " a fault",
            breaks_replay=True,
        )
    return Gap(
        "reply",
        subject,
        f"the trace has no reply of span {span.name}: the tape has no line for it",
        breaks_replay=True,
    )


def _request_gaps(
    request: Mapping[str, Any], reply: Mapping[str, Any], subject: str
) -> Iterator[Gap]:
    chat = to_chat_request(dict(request))
    messages = [one for one in chat.get("messages") or () if isinstance(one, dict)]
    messages += [choice.get("message") or {} for choice in reply.get("choices") or ()]
    if any(message.get("tool_calls") for message in messages) and not chat.get("tools"):
        yield Gap(
            "tools",
            subject,
            "the trace has no tool schemas: a tool that is gone or renamed goes unnoticed",
        )
    parts = (
        part for one in messages if isinstance(one.get("content"), list) for part in one["content"]
    )
    if any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts):
        yield Gap("images", subject, "images are compared by their place, not by their content")
