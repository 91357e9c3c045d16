"""A key-value state that the agents of one run share, recorded as STATE spans.

Create one per run and pass it to the tools. Nothing is overwritten: each key has a history. A value
is grounded if a recorded tool result contains it; otherwise it is a guess.
"""

import copy
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from time import time_ns
from typing import Any

import mlflow

from instrumentation.state.state_entry import StaleWriteError, StateEntry, UnknownKeyError
from instrumentation.state.value_source import ToolResult, find_result_containing
from instrumentation.trace.wording import suggest


class SharedState:
    """The state of one run. Threads and tasks may use it concurrently.

    Each read and write is a STATE span below the current span, that is, below the tool call in
    which the agent makes it.

    Example:
        state = SharedState()
        state.record_tool_result("search", "Inflation was 4.9 % in 2023.")
        state.write("inflation", "4.9 %", author="researcher")
        assert state.read("inflation", reader="writer").is_grounded
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, list[StateEntry]] = {}
        self._results: list[ToolResult] = []
        self._read_versions: dict[tuple[str, str], int] = {}
        self._read_count = self._concurrent_count = self._stale_count = 0

    def record_tool_result(self, tool: str, result: Any) -> None:
        """Keep a tool's result, text or JSON values, as grounding for later writes."""
        span_id = _span_id(mlflow.get_current_active_span())
        recorded = ToolResult(tool, copy.deepcopy(result), span_id)
        with self._lock:
            self._results.append(recorded)

    def write(
        self, key: str, value: Any, *, author: str, expected_version: int | None = None
    ) -> StateEntry:
        """Add a version of a value.

        A write that replaces another author's version that its own author has not read counts as
        concurrent, and its span names the authors whose work was replaced.

        Args:
            value: The new value, text or JSON values.
            expected_version: If given, the write is a compare-and-set: it fails unless this is the
                current version. 0 means that the key must be new.

        Raises:
            StaleWriteError: The current version is another one than expected.
        """
        with _state_span("write", key, author, value) as span, self._lock:
            versions = self._entries.setdefault(key, [])
            if expected_version not in (None, len(versions)):
                self._stale_count += 1
                raise StaleWriteError(_stale_write_message(key, author, expected_version, versions))
            entry = self._make_entry(key, value, author, len(versions) + 1, _span_id(span))
            unread = versions[self._read_versions.get((author, key), 0) :]
            authors = (other.author for other in unread if other.author != author)
            replaced = [*dict.fromkeys(authors)]
            self._concurrent_count += bool(replaced)
            versions.append(entry)
            self._read_versions[author, key] = entry.version
            replacement = {
                "flight_recorder.state.concurrent": bool(replaced),
                "flight_recorder.state.replaces": replaced or None,
            }
            _set_entry_attributes(span, entry, replacement)
        return entry

    def _make_entry(
        self, key: str, value: Any, author: str, version: int, span_id: str | None
    ) -> StateEntry:
        grounding = self._find_grounding(value)
        return StateEntry(
            key=key,
            value=copy.deepcopy(value),
            author=author,
            version=version,
            span_id=span_id,
            grounded_by=grounding.tool if grounding else None,
            written_ns=time_ns(),
            source_span_id=grounding.span_id if grounding else None,
        )

    def _find_grounding(self, value: Any) -> ToolResult | None:
        try:
            return find_result_containing(value, self._results)
        except RecursionError:  # a list that contains itself is in no result
            return None

    def read(self, key: str, *, reader: str) -> StateEntry:
        """Return the newest version of a value.

        Raises:
            UnknownKeyError: The key was never written. The message names the nearest key.
        """
        with _state_span("read", key, reader) as span, self._lock:
            self._read_count += 1
            if not self._entries.get(key):
                known = [other for other, versions in self._entries.items() if versions]
                raise UnknownKeyError(_unknown_key_message(key, known))
            entry = self._entries[key][-1]
            self._read_versions[reader, key] = entry.version
            _set_entry_attributes(span, entry, {"flight_recorder.state.reader": reader})
            span.set_outputs(entry.value)
        return replace(entry, value=copy.deepcopy(entry.value))

    def history(self, key: str) -> tuple[StateEntry, ...]:
        """All versions of a value, oldest first; empty if the key was never written."""
        with self._lock:
            return tuple(self._entries.get(key, ()))

    def written_keys(self) -> tuple[str, ...]:
        """All keys that were written, in alphabetical order."""
        with self._lock:
            return tuple(sorted(key for key, versions in self._entries.items() if versions))

    def attributes(self) -> dict[str, int]:
        """Counts for the root span of the run, as `flight_recorder.state.*` attributes."""
        with self._lock:
            entries = [entry for versions in self._entries.values() for entry in versions]
            return {
                "flight_recorder.state.write_count": len(entries),
                "flight_recorder.state.read_count": self._read_count,
                "flight_recorder.state.ungrounded_write_count": sum(
                    not entry.is_grounded for entry in entries
                ),
                "flight_recorder.state.concurrent_write_count": self._concurrent_count,
                "flight_recorder.state.stale_write_count": self._stale_count,
            }


@contextmanager
def _state_span(operation: str, key: str, agent: str, value: Any = None) -> Generator[Any]:
    with mlflow.start_span(f"{operation} {key}", span_type="STATE") as span:
        inputs = {"key": key, "by": agent}
        span.set_inputs(inputs | ({"value": value} if operation == "write" else {}))
        span.set_attribute("flight_recorder.state.key", key)
        yield span


def _set_entry_attributes(span: Any, entry: StateEntry, more: dict[str, Any]) -> None:
    attributes = {
        "flight_recorder.state.author": entry.author,
        "flight_recorder.state.version": entry.version,
        "flight_recorder.state.grounded": entry.is_grounded,
        "flight_recorder.state.grounded_by": entry.grounded_by,
        "flight_recorder.state.source_span_id": entry.source_span_id,
    } | more
    span.set_attributes({key: value for key, value in attributes.items() if value is not None})


def _span_id(span: Any) -> str | None:
    """MLflow's id of a span; None if nothing is being recorded."""
    return getattr(span, "span_id", None) if span is not None else None


def _stale_write_message(
    key: str, author: str, expected: int | None, versions: list[StateEntry]
) -> str:
    current = f"{len(versions)}, by {versions[-1].author}" if versions else "none"
    return (
        f"{author} expected version {expected} of {key!r}, but the current version is {current}:"
        " read it again"
    )


def _unknown_key_message(key: str, known: list[str]) -> str:
    keys = ", ".join(map(repr, sorted(known))) or "none"
    hint = suggest(key, known, to_text=repr)
    return f"the key {key!r} was never written{hint} (known keys: {keys})"
