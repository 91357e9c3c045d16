"""A handoff: work passes from a sender to a receiver, written when the receiver starts.

It is judged by what the receiver was given, never by what it answers: an answer can be good by
luck, and it is the giving that a workflow controls.
"""

import re
import unicodedata
from collections.abc import Iterator

import mlflow

from patches.support.turn import Edge, Message, Turn

UNSPACED_SCRIPT = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""Characters of scripts that put no space between words (Thai, Lao, kana, Han): a word each."""
WORD = rf"{UNSPACED_SCRIPT}|(?:(?!{UNSPACED_SCRIPT})\w)+"
SHINGLE_WORDS = 4
"""Words in a shingle: long enough that two texts share few by chance."""
SENTENCE = re.compile(r"[^\n]+?(?:[.!?;](?=\s)|(?=\n)|$)")
MAX_DROPPED_CHARS = 300
"""How much of what was dropped a handoff shows."""
HANDOFF_KINDS = {
    "TaskOutput": "context",
    "CrewOutput": "flow",
    "Delegation": "delegation",
    "Answer": "return",
}
"""The kinds of a crew's handoffs, by what passes: to a later task, to a later crew of a flow, to a
coworker, and back."""


def record_handoffs(turn: Turn) -> None:
    """Write a HANDOFF span for each agent that spoke since the receiver's last turn.

    The spans stand beneath the current span, thus beside the receiver's turn. Where there is none,
    a lone agent was given other agents' messages, and no team handed anything over. What was passed
    is looked for in the prompt, where a framework makes one of it; else in the messages given.
    """
    if mlflow.get_current_active_span() is None:
        return
    passed = "\n".join(message.content for message in turn.received)
    given = passed if turn.prompt is None else turn.prompt
    for last in _last_messages(turn):
        routes = [route for route in turn.edges if route.source == last.source]
        attributes = {
            "flight_recorder.handoff.from_agent": last.source,
            "flight_recorder.handoff.to_agent": turn.agent,
            "flight_recorder.handoff.output_chars": len(last.content),
            "flight_recorder.handoff.offered_chars": sum(
                len(message.content) for message in turn.offered
            ),
            "flight_recorder.handoff.input_chars": sum(
                len(message.content) for message in turn.received
            ),
            "flight_recorder.handoff.efficiency_score": round(
                efficiency_score(last.content, given), 3
            ),
            "flight_recorder.handoff.withheld": not any(
                message is last for message in turn.received
            ),
        }
        if kind := HANDOFF_KINDS.get(last.type):
            attributes["flight_recorder.handoff.kind"] = kind
        if lost := " … ".join(dropped_sentences(last.content, given)):
            attributes["flight_recorder.handoff.dropped"] = truncate(lost)
        attributes |= _routing_attributes(routes, turn.agent)
        name = f"{last.source} → {turn.agent}"
        with mlflow.start_span(name, span_type="HANDOFF", attributes=attributes):
            pass


def efficiency_score(output: str, prompt: str) -> float:
    """The share of `output` that is found in `given`, from 0.0 to 1.0.

    The containment of the word shingles of one text in those of the other (A. Broder, "On the
    resemblance and containment of documents", 1997). No shingle of the output goes on from one line
    to the next, for a framework may put its own words between them. A line shorter than a shingle
    is compared by its words; of an empty output nothing can be lost, and it scores 1.0. One that
    has no words but symbols either arrives verbatim or not at all.
    """
    if output in prompt and _is_at_word_boundaries(output, prompt):
        return 1.0
    lines, others = [_words(line) for line in output.splitlines()], _words(prompt)
    if not any(lines) and output.strip():
        return 0.0
    wanted = {shingle for words in lines for shingle in _shingles(words, _shingle_length(words))}
    found = {*_shingles(others, SHINGLE_WORDS), *_shingles(others, 1)}
    return len(wanted & found) / len(wanted) if wanted else 1.0


def dropped_sentences(output: str, prompt: str) -> tuple[str, ...]:
    """The sentences and lines of `output` that are not found whole in `given`, in order."""
    parts = (found.group().strip() for found in SENTENCE.finditer(output))
    return tuple(part for part in parts if part and efficiency_score(part, prompt) < 1.0)


def _last_messages(turn: Turn) -> list[Message]:
    """The last message of each other agent among those offered, in the order they were said.

    Of a crew, which passes the outputs of tasks, each output: an agent may have had several tasks.
    """
    last: dict[object, Message] = {}
    for message in turn.offered:
        if message.source not in ("user", turn.agent):
            who = id(message) if message.type in HANDOFF_KINDS else message.source
            last.pop(who, None)
            last[who] = message
    return list(last.values())


def truncate(text: str, max_chars: int = MAX_DROPPED_CHARS) -> str:
    """The text, or as much of it as a span has room for, with an ellipsis."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def _routing_attributes(routes: list[Edge], receiver: str) -> dict[str, object]:
    """The sender's edge that led here, and all that were tried on its last words."""
    tried = {(route.target, route.condition): route for route in routes}
    taken = [route for route in routes if route.target == receiver and route.condition_met]
    if not taken:
        return {}
    shown: dict[str, object] = {
        "flight_recorder.routing.edge": f"{taken[-1].source} → {receiver}",
        "flight_recorder.routing.tried": [str(route) for route in tried.values()],
    }
    return shown | (
        {"flight_recorder.routing.condition": taken[-1].condition} if taken[-1].condition else {}
    )


def _is_at_word_boundaries(output: str, prompt: str) -> bool:
    """Whether the first place where `given` holds `output` is one between words."""
    start = prompt.index(output)
    around = (
        prompt[max(start - 1, 0) : start] + output[:1],
        output[-1:] + prompt[start + len(output) :][:1],
    )
    return not any(re.fullmatch(rf"(?!.?{UNSPACED_SCRIPT})\w\w", pair) for pair in around)


def _words(text: str) -> list[str]:
    return re.findall(WORD, unicodedata.normalize("NFKC", text).casefold())


def _shingle_length(words: list[str]) -> int:
    return SHINGLE_WORDS if len(words) >= SHINGLE_WORDS else 1


def _shingles(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)
