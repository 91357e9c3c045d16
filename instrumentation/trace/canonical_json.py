"""A recorded trace: a trace as JSON that two runs of the same workflow write alike.

No ids, times or ports: what is left out is what changes from run to run though nothing changed.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instrumentation.trace.session import Session
from instrumentation.trace.span import MAX_SPAN_DEPTH, Span
from instrumentation.trace.trace import Trace, TraceNotFoundError

FORMAT_VERSION = "flight-recorder/1"
VOLATILE_KEYS = frozenset({"created_at", "created"})
VOLATILE_ATTRIBUTES = re.compile(
    r"_ms$|time_to_first|duration|response\.id$|^session\.id$|span_id$|bottleneck"
)
UUID_PATTERN = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
PORT_PATTERN = re.compile(r"(127\.0\.0\.1|localhost):\d+")
MEMORY_ADDRESS_PATTERN = re.compile(r"\b0x[0-9a-f]{6,}\b")
TRACE_ID_PATTERN = re.compile(r"\btr-[0-9a-f]{32}\b")


def mask_volatile_ids(text: str) -> str:
    """The text with a word in place of each id, port and memory address."""
    text = TRACE_ID_PATTERN.sub("<trace>", text)
    return MEMORY_ADDRESS_PATTERN.sub(
        "<address>", PORT_PATTERN.sub(r"\1:<port>", UUID_PATTERN.sub("<id>", text))
    )


def dump_trace(trace: Trace) -> str:
    """The recorded trace, as JSON that is read in a diff: indented, keys sorted."""
    spans = [_span_to_json(root) for root in trace.roots]
    recorded: dict[str, Any] = {"format": FORMAT_VERSION, "roots": spans}
    if session := trace.session:
        told = {"id": mask_volatile_ids(session.id), "user": session.user}
        recorded["session"] = {key: value for key, value in told.items() if value}
    return json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def load_trace(path: Path) -> Trace:
    """The trace that a file holds. Raises `NoTrace` where there is none."""
    if not path.is_file():
        raise TraceNotFoundError(f"{path}: no trace was recorded here yet")
    try:
        return parse_trace(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise TraceNotFoundError(f"{path}: cannot be read ({error})") from error


def parse_trace(text: str, source: str) -> Trace:
    """Read what `dumps` wrote. Raises `NoTrace` naming `where`, when it did not write this."""
    try:
        recorded = json.loads(text)
        if recorded["format"] != FORMAT_VERSION:
            raise TraceNotFoundError(
                f"{source}: format {recorded['format']!r}, and {FORMAT_VERSION!r} is read here"
            )
        roots = tuple(_span_from_json(span, MAX_SPAN_DEPTH) for span in recorded["roots"])
        told = recorded.get("session")
        session = Session(str(told["id"]), str(told.get("user", ""))) if told else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TraceNotFoundError(
            f"{source}: not a recorded trace ({type(error).__name__}: {error})"
        ) from error
    if not roots:
        raise TraceNotFoundError(f"{source}: the recorded trace has no spans")
    return Trace(roots, session=session)


def _span_to_json(span: Span) -> dict[str, Any]:
    attributes = {
        key: value for key, value in span.attributes.items() if not VOLATILE_ATTRIBUTES.search(key)
    }
    told: dict[str, Any] = {
        "says": mask_volatile_ids(span.status_message.splitlines()[0])
        if span.status_message
        else "",
        "inputs": _strip_volatile(span.inputs),
        "outputs": _strip_volatile(span.outputs),
        "attributes": _strip_volatile(attributes),
        "children": [_span_to_json(child) for child in span.children],
    }
    said = {key: value for key, value in told.items() if value not in ("", None, {}, [])}
    return {"name": span.name, "type": span.type, "status": span.status} | said


def _strip_volatile(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _strip_volatile(inner) for key, inner in value.items() if key not in VOLATILE_KEYS
        }
    if isinstance(value, list | tuple):
        return [_strip_volatile(inner) for inner in value]
    return mask_volatile_ids(value) if isinstance(value, str) else value


def _span_from_json(span: Mapping[str, Any], levels_left: int) -> Span:
    if not levels_left:
        raise ValueError(f"its spans are nested more than {MAX_SPAN_DEPTH} levels deep")
    return Span(
        name=str(span["name"]),
        type=str(span["type"]),
        status=str(span["status"]),
        status_message=str(span.get("says", "")),
        inputs=span.get("inputs"),
        outputs=span.get("outputs"),
        attributes=dict(span.get("attributes", {})),
        children=tuple(
            _span_from_json(child, levels_left - 1) for child in span.get("children", ())
        ),
    )
