"""Open a HANDOFF span per handoff, scored by the share of the sender's output that arrived.

A handoff is recorded when the receiver starts. It is scored by the receiver's input, never by its
answer: an answer can be good by luck, but a workflow controls the input.
"""

import re
import unicodedata
from collections.abc import Iterator

import mlflow

from instrumentation.trace.span import SENDER_ATTRIBUTE
from instrumentation.trace.wording import truncate
from patches.support.turn import Message, Turn

UNSPACED_SCRIPT = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""Characters of scripts without spaces between words (Thai, Lao, kana, Han): one word each."""
WORD = rf"{UNSPACED_SCRIPT}|(?:(?!{UNSPACED_SCRIPT})\w)+"
SHINGLE_WORDS = 4
"""Words per shingle: long enough that two texts share few shingles by chance."""
SENTENCE = re.compile(r"[^\n]+?(?:[.!?;](?=\s)|(?=\n)|$)")
MAX_DROPPED_CHARS = 300
"""Longer dropped text is truncated in the attribute."""
MAX_TEXT_CHARS = 4_000
"""Longer text is truncated in the inputs and outputs of the span."""
HANDOFF_KINDS = {
    "TaskOutput": "context",
    "CrewOutput": "flow",
    "Delegation": "delegation",
    "Answer": "return",
}
"""Kinds of handoffs in CrewAI by message type: the output of a task passes to a later task, the
output of a crew to a later crew of a flow, a delegation to a coworker, and its answer back."""


def record_handoffs(turn: Turn) -> None:
    """Write a HANDOFF span for each agent that produced output since the receiver's last turn.

    The spans are children of the current span, and so siblings of the receiver's turn. Without a
    current span nothing is recorded: then a single agent works outside of a team. The sender's
    output is searched for in the prompt if the framework builds one, otherwise in the messages
    that the receiver was given.
    """
    if mlflow.get_current_active_span() is None:
        return
    received = "\n".join(message.content for message in turn.received)
    prompt = received if turn.prompt is None else turn.prompt
    for output in _last_messages(turn):
        arrived, dropped = split_by_arrival(output.content, prompt)
        attributes = _handoff_attributes(turn, output, prompt) | _routing_attributes(turn, output)
        if dropped:
            text = truncate(" … ".join(dropped), MAX_DROPPED_CHARS)
            attributes["flight_recorder.handoff.dropped"] = text
        name = f"{output.source} → {turn.agent}"
        with mlflow.start_span(name, span_type="HANDOFF", attributes=attributes) as span:
            span.set_inputs({"sent": truncate(output.content, MAX_TEXT_CHARS)})
            texts = {"arrived": "\n".join(arrived), "dropped": "\n".join(dropped)}
            span.set_outputs({key: truncate(text, MAX_TEXT_CHARS) for key, text in texts.items()})


def efficiency_score(output: str, prompt: str) -> float:
    """The share of a sender's output that is contained in the receiver's prompt, from 0.0 to 1.0.

    It is the containment of word shingles (A. Broder, "On the resemblance and containment of
    documents", 1997). Shingles do not extend over line ends, because a framework may insert text
    between lines. A line shorter than a shingle is compared word by word. An empty output cannot
    be lost, so it scores 1.0. An output that consists of symbols scores 1.0 if it is contained
    verbatim, otherwise 0.0.
    """
    if output in prompt and _is_at_word_boundaries(output, prompt):
        return 1.0
    lines, prompt_words = [_words(line) for line in output.splitlines()], _words(prompt)
    if not any(lines) and output.strip():
        return 0.0
    lengths = [SHINGLE_WORDS if len(words) >= SHINGLE_WORDS else 1 for words in lines]
    wanted = {shingle for pair in zip(lines, lengths, strict=True) for shingle in _shingles(*pair)}
    found = {*_shingles(prompt_words, SHINGLE_WORDS), *_shingles(prompt_words, 1)}
    return len(wanted & found) / len(wanted) if wanted else 1.0


def split_by_arrival(output: str, prompt: str) -> tuple[list[str], list[str]]:
    """Split an output into the sentences that the prompt contains completely, and the others."""
    arrived: list[str] = []
    dropped: list[str] = []
    for part in filter(None, (found.group().strip() for found in SENTENCE.finditer(output))):
        (arrived if efficiency_score(part, prompt) == 1.0 else dropped).append(part)
    return arrived, dropped


def _last_messages(turn: Turn) -> list[Message]:
    """The last message of each other agent, in the order in which they were produced.

    A crew passes outputs of tasks, and an agent may have had several tasks: all of them count.
    """
    last: dict[object, Message] = {}
    for message in turn.offered:
        if message.source not in ("user", turn.agent):
            key = id(message) if message.type in HANDOFF_KINDS else message.source
            last.pop(key, None)
            last[key] = message
    return list(last.values())


def _handoff_attributes(turn: Turn, output: Message, prompt: str) -> dict[str, object]:
    """What the receiver was offered and given, and how much of the sender's output arrived."""
    attributes: dict[str, object] = {
        SENDER_ATTRIBUTE: output.source,
        "flight_recorder.handoff.to_agent": turn.agent,
        "flight_recorder.handoff.output_chars": len(output.content),
        "flight_recorder.handoff.offered_chars": sum(
            len(message.content) for message in turn.offered
        ),
        "flight_recorder.handoff.input_chars": sum(
            len(message.content) for message in turn.received
        ),
        "flight_recorder.handoff.efficiency_score": round(
            efficiency_score(output.content, prompt), 3
        ),
        "flight_recorder.handoff.withheld": not any(message is output for message in turn.received),
    }
    if kind := HANDOFF_KINDS.get(output.type):
        attributes["flight_recorder.handoff.kind"] = kind
    return attributes


def _routing_attributes(turn: Turn, output: Message) -> dict[str, object]:
    """The graph edge that led from the sender to the receiver, and all that were evaluated."""
    edges = [edge for edge in turn.edges if edge.source == output.source]
    evaluated = {(edge.target, edge.condition): edge for edge in edges}
    taken = [edge for edge in edges if edge.target == turn.agent and edge.condition_met]
    if not taken:
        return {}
    edge = taken[-1]
    attributes: dict[str, object] = {
        "flight_recorder.routing.edge": f"{edge.source} → {turn.agent}",
        "flight_recorder.routing.tried": [str(edge) for edge in evaluated.values()],
    }
    return attributes | (
        {"flight_recorder.routing.condition": edge.condition} if edge.condition else {}
    )


def _is_at_word_boundaries(output: str, prompt: str) -> bool:
    """Return whether the first occurrence of the output starts and ends between words."""
    start = prompt.index(output)
    boundaries = (
        prompt[max(start - 1, 0) : start] + output[:1],
        output[-1:] + prompt[start + len(output) :][:1],
    )
    return not any(re.fullmatch(rf"(?!.?{UNSPACED_SCRIPT})\w\w", pair) for pair in boundaries)


def _words(text: str) -> list[str]:
    return re.findall(WORD, unicodedata.normalize("NFKC", text).casefold())


def _shingles(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)
