"""Write and read traces as JSON that is identical for two runs of the same workflow.

Ids, times, ports and memory addresses are left out, because they change from run to run.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from instrumentation.trace.session import Session
from instrumentation.trace.span import MAX_SPAN_DEPTH, Span
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS, TraceNotFoundError
from instrumentation.trace.trace import Trace

FORMAT_VERSION = "flight-recorder/2"
VOLATILE_KEYS = frozenset({"created_at", "created"})
VOLATILE_ATTRIBUTES = re.compile(
    r"_ms$|time_to_first|duration|response\.id$|^session\.id$|span_id$|bottleneck"
)
UUID_PATTERN = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
PORT_PATTERN = re.compile(r"(127\.0\.0\.1|localhost):\d+")
MEMORY_ADDRESS_PATTERN = re.compile(r"\b0x[0-9a-f]{6,}\b")
TRACE_ID_PATTERN = re.compile(r"\btr-[0-9a-f]{32}\b")


def mask_volatile_ids(text: str) -> str:
    """Replace each id, local port and memory address by a placeholder such as `<id>`."""
    text = TRACE_ID_PATTERN.sub("<trace>", text)
    text = PORT_PATTERN.sub(r"\1:<port>", UUID_PATTERN.sub("<id>", text))
    return MEMORY_ADDRESS_PATTERN.sub("<address>", text)


def mask_nested_ids(value: Any, dropped_keys: Collection[str] = ()) -> Any:
    """Mask the ids in all texts of a nested value, and leave out some keys of its mappings."""
    if isinstance(value, Mapping):
        return {
            key: mask_nested_ids(inner, dropped_keys)
            for key, inner in value.items()
            if key not in dropped_keys
        }
    if isinstance(value, list | tuple):
        return [mask_nested_ids(inner, dropped_keys) for inner in value]
    return mask_volatile_ids(value) if isinstance(value, str) else value


def dump_trace(trace: Trace) -> str:
    """Serialize a trace as JSON for a readable diff: indented, with sorted keys."""
    spans = [_span_to_json(root) for root in trace.roots]
    recorded: dict[str, Any] = {"format": FORMAT_VERSION, "roots": spans}
    if session := trace.session:
        fields = {"id": mask_volatile_ids(session.id), "user": session.user}
        recorded["session"] = {key: value for key, value in fields.items() if value}
    return json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def load_trace(path: Path) -> Trace:
    """Read a trace from a file. Raises `TraceNotFoundError` if it is missing or not a trace."""
    if not path.is_file():
        raise TraceNotFoundError(f"{path}: no trace has been recorded here yet")
    try:
        return parse_trace(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise TraceNotFoundError(f"{path}: cannot be read ({error})") from error


def parse_trace(text: str, source: str) -> Trace:
    """Parse the output of `dump_trace`; `source` is where it comes from, for error messages.

    Raises:
        TraceNotFoundError: The text is not a recorded trace, has another format version, or has no
            spans.
    """
    try:
        return trace_from_json(json.loads(text), source)
    except (ValueError, RecursionError) as error:
        raise TraceNotFoundError(
            f"{source}: not a recorded trace ({type(error).__name__}: {error})"
        ) from error


def trace_from_json(recorded: Any, source: str) -> Trace:
    """Read a trace from the decoded JSON of `dump_trace`. Raises as `parse_trace` does."""
    try:
        if recorded["format"] != FORMAT_VERSION:
            raise TraceNotFoundError(
                f"{source}: format {recorded['format']!r}, expected {FORMAT_VERSION!r}"
            )
        roots = tuple(_span_from_json(span, MAX_SPAN_DEPTH) for span in recorded["roots"])
        fields = recorded.get("session")
        session = Session(str(fields["id"]), str(fields.get("user", ""))) if fields else None
    except TraceNotFoundError:
        raise
    except UNREADABLE_TRACE_ERRORS as error:
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
    message = span.status_message
    fields: dict[str, Any] = {
        "status_message": mask_volatile_ids(message.splitlines()[0]) if message else "",
        "inputs": mask_nested_ids(span.inputs, VOLATILE_KEYS),
        "outputs": mask_nested_ids(span.outputs, VOLATILE_KEYS),
        "attributes": mask_nested_ids(attributes, VOLATILE_KEYS),
        "children": [_span_to_json(child) for child in span.children],
    }
    present = {key: value for key, value in fields.items() if value not in ("", None, {}, [])}
    return {"name": span.name, "type": span.type, "status": span.status} | present


def _span_from_json(span: Mapping[str, Any], levels_left: int) -> Span:
    if not levels_left:
        raise ValueError(f"its spans are nested more than {MAX_SPAN_DEPTH} levels deep")
    return Span(
        name=str(span["name"]),
        type=str(span["type"]),
        status=str(span["status"]),
        status_message=str(span.get("status_message", "")),
        inputs=span.get("inputs"),
        outputs=span.get("outputs"),
        attributes=dict(span.get("attributes", {})),
        children=tuple(
            _span_from_json(child, levels_left - 1) for child in span.get("children", ())
        ),
    )
