"""Schema drift: a tool returns a figure that is not in its HTTP reply, such as a default value."""

from collections.abc import Iterator
from functools import partial

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.grounding import figures_of, iter_sources, states_any
from instrumentation.diagnosis.reading.texts import to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "schema drift"
HTTP_REPLY_ATTRIBUTE = "flight_recorder.http.reply"
FIX = "Fail when an expected field is missing; never replace it by a default."


def find_figures_not_in_reply(reading: TraceReading) -> Iterator[Finding]:
    """Yield tool calls whose result has none of the figures in their HTTP reply, but another one.

    The answer must repeat that other figure.
    """
    for call in iter_sources(reading.index):
        reply = to_json_text(call.attributes.get(HTTP_REPLY_ATTRIBUTE))
        if not (replied := figures_of(reply)):
            continue
        returned = figures_of(to_json_text(call.outputs))
        if any(one.covers(other.value) for one in returned for other in replied):
            continue
        if not states_any(returned, reading.index.answer):  # nothing came, or it was dropped
            continue
        values = ", ".join(dict.fromkeys(figure.text for figure in replied))
        yield reading.build_finding(
            MODE,
            call,
            FIX,
            0.95,
            quote(call, reply, f"the reply states {values}"),
            quote(call, call.outputs, "the result states none of it"),
            carries=partial(states_any, returned),
        )
