"""Task derailment: figures of a call that nothing asked for replace those the agent was given."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import figures_of, states_any
from instrumentation.diagnosis.reading.handoff import Handoff
from instrumentation.diagnosis.reading.texts import content_words, iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.figures import Figure
from instrumentation.trace.span import Span

MODE = "task derailment"
FIX = "Give each agent only the tools of its own task, and check the answer against the request."


def find_calls_that_replace_given_figures(reading: TraceReading) -> Iterator[Finding]:
    """Yield calls that nothing asked for, if their figures replace those that the agent was given.

    An agent that adds something to what it was given does not leave its task. If the
    calls that returned the given figures were not asked for either, the prompts of this program
    name no lookups, and nothing is reported.
    """
    answer, grounding = reading.index.answer, reading.grounding
    stated = [one for figure in figures_of(answer) for one in grounding.sources_of(figure)]
    calls_in_answer = {id(one.span) for one in stated}
    for handoff in reading.handoffs if calls_in_answer else ():
        turn = handoff.receiver
        if turn is None or handoff.is_lost:
            continue
        calls = [call for call in reading.index.calls_of(turn) if id(call) in calls_in_answer]
        own_find = next((call for call in calls if _is_unrequested(reading, turn, call)), None)
        if own_find is None:
            continue
        given = [
            figure
            for figure in handoff.figures
            if not grounding.is_given(figure) and grounding.sources_of(figure)
        ]
        if not given or states_any(given, reading.flow.output(turn)) or states_any(given, answer):
            continue
        if all(_is_call_explained(reading, figure) for figure in given):
            yield _build_finding(reading, handoff, turn, own_find)
            return


def _is_call_explained(reading: TraceReading, figure: Figure) -> bool:
    """Whether its agent's prompt explains one of the calls that returned a figure."""
    index = reading.index
    calls = [one.span for one in reading.grounding.sources_of(figure)]
    turns = [(index.turn(call), call) for call in calls]
    return any(turn is None or not _is_unrequested(reading, turn, call) for turn, call in turns)


def _is_unrequested(reading: TraceReading, turn: Span, call: Span) -> bool:
    """Whether an argument of a call has no word in common with what the agent was given.

    A value without spaces, such as a code, counts as one word.
    """
    completions = reading.index.completions_of(turn)
    given = completions[0].prompt_text if completions else ""
    words = content_words(given)
    for _, value in iter_fields(call.inputs):
        if given and isinstance(value, str) and value.strip():
            is_known = content_words(value) & words if " " in value else value in given
            if not is_known:
                return True
    return False


def _build_finding(reading: TraceReading, handoff: Handoff, turn: Span, call: Span) -> Finding:
    own = figures_of(to_json_text(call.outputs))
    return reading.build_finding(
        MODE,
        call,
        FIX,
        0.85,
        quote(handoff.span, handoff.sent, f"{turn.agent} was given this"),
        quote(call, call.inputs, "nothing that it was given asks for this"),
        quote(turn, reading.flow.output(turn), "it passes on its own find instead"),
        carries=lambda text: states_any(own, text),
    )
