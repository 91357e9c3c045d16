"""Task derailment: an agent makes a call with consequences for a reason that nothing gave it."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.completions import Completion, ToolRequest
from instrumentation.diagnosis.reading.lexicon import CONSEQUENCES
from instrumentation.diagnosis.reading.texts import content_words, iter_fields
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.trace.span import Span

MODE = "task derailment"
FIX = "Let tools with consequences accept only what the task names, or ask a person first."
FREE_TEXT = frozenset(
    ("reason", "note", "notes", "comment", "message", "subject", "body", "description", "title")
)
"""Arguments that an agent writes itself."""


def find_unrequested_actions(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls with consequences that select by words which nothing in the prompt has."""
    for completion in reading.index.completions:
        for request in completion.answer.requests:
            words = _unknown_argument(completion, request)
            call = _find_call(reading, completion, request) if words else None
            if call is not None:
                prompt = completion.prompt[0].text if completion.prompt else ""
                yield reading.build_finding(
                    MODE,
                    call,
                    FIX,
                    0.7,
                    quote(call, call.inputs, f"nothing mentions {words}"),
                    quote(completion.span, prompt, "this was given"),
                )


def _unknown_argument(completion: Completion, request: ToolRequest) -> str:
    """The text of an argument that has no word in common with the prompt."""
    if not CONSEQUENCES.search(request.name):
        return ""
    known = content_words(" ".join(one.text for one in completion.prompt))
    for name, value in iter_fields(request.arguments) if known else ():
        words = content_words(value) if isinstance(value, str) else frozenset()
        if words and name not in FREE_TEXT and not words & known:
            return str(value)
    return ""


def _find_call(reading: TraceReading, completion: Completion, request: ToolRequest) -> Span | None:
    """The first call of the requested tool after a completion, if it succeeded."""
    index = reading.index
    later = (
        call
        for call in index.calls_of(index.turn(completion.span))
        if call.name == request.name and index.position(call) > index.position(completion.span)
    )
    call = next(later, None)
    return None if call is None or call.failed else call
