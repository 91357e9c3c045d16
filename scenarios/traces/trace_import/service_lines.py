"""Make tape lines of the requests that tools sent to services, as far as their spans hold them.

A tool whose span has `flight_recorder.http.request` ("GET /path?query") and
`flight_recorder.http.reply` becomes a line of a service. All other tools run for real in a replay.
"""

import re
from collections.abc import Mapping
from typing import Any

from instrumentation.trace import Span, Trace
from scenarios.tape.placeholders import escape_placeholders
from scenarios.traces.trace_import.trace_gaps import Gap

REQUEST_ATTRIBUTE = "flight_recorder.http.request"
REPLY_ATTRIBUTE = "flight_recorder.http.reply"


def build_service_lines(
    trace: Trace,
) -> tuple[list[tuple[int, dict[str, Any]]], list[Gap]]:
    """Return the lines, each with the time at which it started (ns), and the gaps."""
    lines: list[tuple[int, dict[str, Any]]] = []
    silent: dict[str, int] = {}
    for span in trace.spans_of_type("TOOL"):
        if REQUEST_ATTRIBUTE in span.attributes and REPLY_ATTRIBUTE in span.attributes:
            lines.append((span.start_ns, _line(span)))
        else:
            silent[span.name] = silent.get(span.name, 0) + 1
    gaps = []
    if silent:
        tools = ", ".join(f"{tool} ({count})" for tool, count in sorted(silent.items()))
        text = (
            "the trace does not hold what these tools requested over HTTP, so they run for real in"
            " a replay; if they call a service, record the tape with `record` instead"
        )
        gaps = [Gap("service", f"tools {tools}", text)]
    return lines, gaps


def _line(span: Span) -> dict[str, Any]:
    method, _, target = str(span.attributes[REQUEST_ATTRIBUTE]).partition(" ")
    path, _, query = target.partition("?")
    request = re.escape(f"{method} {target}")
    reply = span.attributes[REPLY_ATTRIBUTE]
    part = {"text": reply} if isinstance(reply, str) else {"json": reply}
    return {
        "lane": span.name,
        "origin": "scripted",
        "method": method,
        "path": path,
        "when": f"^{request}$" if query else _arguments_condition(span.inputs),
        "reply": {"status": 200} | escape_placeholders(part),
        "note": f"from span {span.name}",
    }


def _arguments_condition(inputs: Any) -> str:
    """A condition for a body that the trace does not hold: the tool's arguments occur in it."""
    texts = inputs.values() if isinstance(inputs, Mapping) else [inputs]
    parts = (
        f"(?=[\\s\\S]*{re.escape(str(text))})" for text in texts if isinstance(text, str | int)
    )
    return "".join(("\\A", *parts))
