"""A handoff: work passes from a sender to a receiver, written when the receiver starts.

It is judged by what the receiver was given, never by what it answers: an answer can be good by
luck, and it is the giving that a workflow controls.
"""

import re
import unicodedata
from collections.abc import Iterator

import mlflow

from patches.support.turn import Route, Said, Turn

UNSPACED = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""Characters of scripts that put no space between words (Thai, Lao, kana, Han): a word each."""
WORD = rf"{UNSPACED}|(?:(?!{UNSPACED})\w)+"
SHINGLE_WORDS = 4
"""Words in a shingle: long enough that two texts share few by chance."""
SENTENCE = re.compile(r"[^\n]+?(?:[.!?;](?=\s)|(?=\n)|$)")
SHOWN_CHARS = 300
"""How much of what was dropped a handoff shows."""
KINDS = {
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
    passed = "\n".join(message.content for message in turn.given)
    given = passed if turn.prompt is None else turn.prompt
    for last in _last_words(turn):
        routes = [route for route in turn.routes if route.source == last.source]
        attributes = {
            "handoff.from_agent": last.source,
            "handoff.to_agent": turn.agent,
            "handoff.output_chars": len(last.content),
            "handoff.offered_chars": sum(len(message.content) for message in turn.offered),
            "handoff.input_chars": sum(len(message.content) for message in turn.given),
            "handoff.efficiency_score": round(efficiency(last.content, given), 3),
            "handoff.withheld": not any(message is last for message in turn.given),
        }
        if kind := KINDS.get(last.type):
            attributes["handoff.kind"] = kind
        if lost := " … ".join(dropped(last.content, given)):
            attributes["handoff.dropped"] = shortened(lost)
        attributes |= _routing(routes, turn.agent)
        name = f"{last.source} → {turn.agent}"
        with mlflow.start_span(name, span_type="HANDOFF", attributes=attributes):
            pass


def efficiency(output: str, given: str) -> float:
    """The share of `output` that is found in `given`, from 0.0 to 1.0.

    The containment of the word shingles of one text in those of the other (A. Broder, "On the
    resemblance and containment of documents", 1997). No shingle of the output goes on from one line
    to the next, for a framework may put its own words between them. A line shorter than a shingle
    is compared by its words; of an empty output nothing can be lost, and it scores 1.0. One that
    has no words but symbols either arrives verbatim or not at all.
    """
    if output in given and _stands_alone(output, given):
        return 1.0
    lines, others = [_words(line) for line in output.splitlines()], _words(given)
    if not any(lines) and output.strip():
        return 0.0
    wanted = {shingle for words in lines for shingle in _shingles(words, _length(words))}
    found = {*_shingles(others, SHINGLE_WORDS), *_shingles(others, 1)}
    return len(wanted & found) / len(wanted) if wanted else 1.0


def dropped(output: str, given: str) -> tuple[str, ...]:
    """The sentences and lines of `output` that are not found whole in `given`, in order."""
    parts = (found.group().strip() for found in SENTENCE.finditer(output))
    return tuple(part for part in parts if part and efficiency(part, given) < 1.0)


def _last_words(turn: Turn) -> list[Said]:
    """The last message of each other agent among those offered, in the order they were said.

    Of a crew, which passes the outputs of tasks, each output: an agent may have had several tasks.
    """
    last: dict[object, Said] = {}
    for message in turn.offered:
        if message.source not in ("user", turn.agent):
            who = id(message) if message.type in KINDS else message.source
            last.pop(who, None)
            last[who] = message
    return list(last.values())


def shortened(text: str, chars: int = SHOWN_CHARS) -> str:
    """The text, or as much of it as a span has room for, with an ellipsis."""
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def _routing(routes: list[Route], receiver: str) -> dict[str, object]:
    """The sender's edge that led here, and all that were tried on its last words."""
    tried = {(route.target, route.condition): route for route in routes}
    taken = [route for route in routes if route.target == receiver and route.held]
    if not taken:
        return {}
    shown: dict[str, object] = {
        "routing.edge": f"{taken[-1].source} → {receiver}",
        "routing.tried": [str(route) for route in tried.values()],
    }
    return shown | ({"routing.condition": taken[-1].condition} if taken[-1].condition else {})


def _stands_alone(output: str, given: str) -> bool:
    """Whether the first place where `given` holds `output` is one between words."""
    start = given.index(output)
    around = (
        given[max(start - 1, 0) : start] + output[:1],
        output[-1:] + given[start + len(output) :][:1],
    )
    return not any(re.fullmatch(rf"(?!.?{UNSPACED})\w\w", pair) for pair in around)


def _words(text: str) -> list[str]:
    return re.findall(WORD, unicodedata.normalize("NFKC", text).casefold())


def _length(words: list[str]) -> int:
    return SHINGLE_WORDS if len(words) >= SHINGLE_WORDS else 1


def _shingles(words: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)
