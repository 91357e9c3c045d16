"""A recorded trace: a trace as JSON that two runs of the same workflow write alike.

No ids, times or ports: what is left out is what changes from run to run though nothing changed.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instrumentation.trace.session import Session
from instrumentation.trace.span import DEEPEST, Span
from instrumentation.trace.trace import NoTrace, Trace

FORMAT = "flight-recorder/1"
VOLATILE_KEYS = frozenset({"created_at", "created"})
VOLATILE_ATTRIBUTES = re.compile(
    r"_ms$|time_to_first|duration|response\.id$|^session\.id$|span_id$|bottleneck"
)
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
PORT = re.compile(r"(127\.0\.0\.1|localhost):\d+")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
TRACE = re.compile(r"\btr-[0-9a-f]{32}\b")


def scrubbed(text: str) -> str:
    """The text with a word in place of each id, port and memory address."""
    text = TRACE.sub("<trace>", text)
    return ADDRESS.sub("<address>", PORT.sub(r"\1:<port>", UUID.sub("<id>", text)))


def dumps(trace: Trace) -> str:
    """The recorded trace, as JSON that is read in a diff: indented, keys sorted."""
    spans = [_written(root) for root in trace.roots]
    recorded: dict[str, Any] = {"format": FORMAT, "roots": spans}
    if session := trace.session:
        told = {"id": scrubbed(session.id), "user": session.user}
        recorded["session"] = {key: value for key, value in told.items() if value}
    return json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read(path: Path) -> Trace:
    """The trace that a file holds. Raises `NoTrace` where there is none."""
    if not path.is_file():
        raise NoTrace(f"{path}: no trace was recorded here yet")
    try:
        return loads(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise NoTrace(f"{path}: cannot be read ({error})") from error


def loads(text: str, where: str) -> Trace:
    """Read what `dumps` wrote. Raises `NoTrace` naming `where`, when it did not write this."""
    try:
        recorded = json.loads(text)
        if recorded["format"] != FORMAT:
            raise NoTrace(f"{where}: format {recorded['format']!r}, and {FORMAT!r} is read here")
        roots = tuple(_read(span, DEEPEST) for span in recorded["roots"])
        told = recorded.get("session")
        session = Session(str(told["id"]), str(told.get("user", ""))) if told else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NoTrace(f"{where}: not a recorded trace ({type(error).__name__}: {error})") from error
    if not roots:
        raise NoTrace(f"{where}: the recorded trace has no spans")
    return Trace(roots, session=session)


def _written(span: Span) -> dict[str, Any]:
    attributes = {
        key: value for key, value in span.attributes.items() if not VOLATILE_ATTRIBUTES.search(key)
    }
    told: dict[str, Any] = {
        "says": scrubbed(span.says.splitlines()[0]) if span.says else "",
        "inputs": _steady(span.inputs),
        "outputs": _steady(span.outputs),
        "attributes": _steady(attributes),
        "children": [_written(child) for child in span.children],
    }
    said = {key: value for key, value in told.items() if value not in ("", None, {}, [])}
    return {"name": span.name, "type": span.type, "status": span.status} | said


def _steady(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _steady(inner) for key, inner in value.items() if key not in VOLATILE_KEYS}
    if isinstance(value, list | tuple):
        return [_steady(inner) for inner in value]
    return scrubbed(value) if isinstance(value, str) else value


def _read(span: Mapping[str, Any], levels: int) -> Span:
    if not levels:
        raise ValueError(f"its spans are nested more than {DEEPEST} levels deep")
    return Span(
        name=str(span["name"]),
        type=str(span["type"]),
        status=str(span["status"]),
        says=str(span.get("says", "")),
        inputs=span.get("inputs"),
        outputs=span.get("outputs"),
        attributes=dict(span.get("attributes", {})),
        children=tuple(_read(child, levels - 1) for child in span.get("children", ())),
    )
