"""A shared state: what the agents of one run have noted for each other, who noted it, and why.

Make one a run, and hand it to the tools. Nothing is overwritten: each key has a history. A value is
grounded if a tool result that the state `saw` holds it; one that no result holds is a guess.
"""

import copy
import difflib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from time import time_ns
from typing import Any

import mlflow

from instrumentation.state.grounding import ToolResult, find_grounding
from instrumentation.state.state_entry import StaleWriteError, StateEntry, UnknownKeyError

__all__ = ["SharedState", "StaleWriteError", "StateEntry", "UnknownKeyError"]


class SharedState:
    """The state of one run. Agents in threads and tasks may use it at once.

    Each read and write is a STATE span beneath the current one, thus beneath the tool call in which
    the agent made it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, list[StateEntry]] = {}
        self._results: list[ToolResult] = []
        self._read_versions: dict[tuple[str, str], int] = {}
        self._reads = self._concurrent = self._stale = 0

    def record_tool_result(self, tool: str, result: Any) -> None:
        """Keep what a tool returned, a text or JSON values, as ground for what is written later."""
        kept = ToolResult(tool, copy.deepcopy(result), _span_id(mlflow.get_current_active_span()))
        with self._lock:
            self._results.append(kept)

    def write(
        self, key: str, value: Any, *, author: str, expected_version: int | None = None
    ) -> StateEntry:
        """Add a version. With `expected_version` (0: none yet) it is a compare-and-set.

        Raises `StaleWrite` when another version is there. A write that replaces another author's
        version, unread by its own, counts as concurrent: neither knew of the other, and the span
        names whose work was replaced.
        """
        with _state_span("write", key, author, value) as span, self._lock:
            versions = self._entries.setdefault(key, [])
            if expected_version not in (None, len(versions)):
                self._stale += 1
                raise StaleWriteError(_stale_write_message(key, author, expected_version, versions))
            result = find_grounding(value, self._results)
            entry = StateEntry(
                key,
                copy.deepcopy(value),
                author,
                len(versions) + 1,
                _span_id(span),
                result.tool if result else None,
                time_ns(),
                result.span_id if result else None,
            )
            unseen = versions[self._read_versions.get((author, key), 0) :]
            replaced = [*dict.fromkeys(other.author for other in unseen if other.author != author)]
            self._concurrent += bool(replaced)
            versions.append(entry)
            self._read_versions[author, key] = entry.version
            told = {
                "flight_recorder.state.concurrent": bool(replaced),
                "flight_recorder.state.replaces": replaced or None,
            }
            _set_entry_attributes(span, entry, told)
        return entry

    def read(self, key: str, *, reader: str) -> StateEntry:
        """The newest version. Raises `UnknownKey`, naming the nearest key, if there is none."""
        with _state_span("read", key, reader) as span, self._lock:
            self._reads += 1
            if not self._entries.get(key):
                raise UnknownKeyError(
                    _unknown_key_message(
                        key, [other for other, versions in self._entries.items() if versions]
                    )
                )
            entry = self._entries[key][-1]
            self._read_versions[reader, key] = entry.version
            _set_entry_attributes(span, entry, {"flight_recorder.state.reader": reader})
            span.set_outputs(entry.value)
        return replace(entry, value=copy.deepcopy(entry.value))

    def history(self, key: str) -> tuple[StateEntry, ...]:
        """Every version, oldest first; empty for a key that nobody has written."""
        with self._lock:
            return tuple(self._entries.get(key, ()))

    def written_keys(self) -> tuple[str, ...]:
        """Every key that was written, in alphabetical order."""
        with self._lock:
            return tuple(sorted(key for key, versions in self._entries.items() if versions))

    def attributes(self) -> dict[str, int]:
        """Counts for the root span of the run."""
        with self._lock:
            written = [entry for versions in self._entries.values() for entry in versions]
            return {
                "flight_recorder.state.write_count": len(written),
                "flight_recorder.state.read_count": self._reads,
                "flight_recorder.state.ungrounded_write_count": sum(
                    not entry.is_grounded for entry in written
                ),
                "flight_recorder.state.concurrent_write_count": self._concurrent,
                "flight_recorder.state.stale_write_count": self._stale,
            }


@contextmanager
def _state_span(verb: str, key: str, agent: str, value: Any = None) -> Generator[Any]:
    with mlflow.start_span(f"{verb} {key}", span_type="STATE") as span:
        asked = {"key": key, "by": agent}
        span.set_inputs(asked | ({"value": value} if verb == "write" else {}))
        span.set_attribute("flight_recorder.state.key", key)
        yield span


def _set_entry_attributes(span: Any, entry: StateEntry, more: dict[str, Any]) -> None:
    told = {
        "flight_recorder.state.author": entry.author,
        "flight_recorder.state.version": entry.version,
        "flight_recorder.state.grounded": entry.is_grounded,
        "flight_recorder.state.grounded_by": entry.grounded_by,
        "flight_recorder.state.source_span_id": entry.source_span_id,
    }
    span.set_attributes({key: one for key, one in (told | more).items() if one is not None})


def _span_id(span: Any) -> str | None:
    """MLflow's id of a span that is being recorded."""
    return getattr(span, "span_id", None) if span is not None else None


def _stale_write_message(
    key: str, author: str, expected: int | None, versions: list[StateEntry]
) -> str:
    there = f"{len(versions)}, by {versions[-1].author}" if versions else "none"
    return f"{author} expected version {expected} of {key!r}, and there is {there}: read it again"


def _unknown_key_message(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    hint = f"; the nearest key is {nearest[0]!r}" if nearest else ""
    keys = ", ".join(map(repr, sorted(known))) or "no keys at all"
    return f"nobody has written {key!r}{hint} (there are {keys})"
