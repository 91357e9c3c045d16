"""A write of spans or of a trace that can be attempted again or split."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from patches.mlflow.store.experiment import (
    DEFERRED_PREFIX,
    is_server_reachable,
    resolve_experiment_id,
)
from patches.mlflow.store.store_address import is_database_reachable

TRACE_SIZE_BYTES = 2_000
"""The approximate size of a finished trace without its spans."""


class WriteFailedError(BaseException):
    """The store did not accept a write; the cause is the original error.

    Not an `Exception`, because MLflow's exporter catches and swallows every `Exception`.
    """


@dataclass(frozen=True, eq=False)
class PendingWrite:
    """One call of MLflow's exporter, to be made later.

    Attributes:
        write: The exporter's method, as a function.
        arguments: The arguments of the call, without the exporter.
        spans: The spans to store; empty for a finished trace, whose spans are stored before it.
    """

    write: Callable[..., None]
    exporter: Any
    arguments: tuple[Any, ...]
    trace_ids: frozenset[str]
    spans: tuple[Any, ...] = ()

    @cached_property
    def size_bytes(self) -> int:
        """The approximate size in memory."""
        return estimate_size_bytes(self.spans)

    def attempt(self) -> None:
        """Write to the store. Repeating a write is harmless.

        Raises:
            WriteFailedError: The store did not accept it.
        """
        exporter = copy(self.exporter)
        exporter._client = RaisingClient(exporter._client)
        self.write(exporter, *self.arguments)
        # The copy may have learned that the store accepts only whole traces, not single spans.
        self.exporter._store_supports_log_spans = exporter._store_supports_log_spans

    def split(self, max_spans: int) -> "list[PendingWrite]":
        """Return writes of at most `max_spans` spans each. Spans of a trace stay together.

        Only those of a trace that has more are in several writes.
        """
        by_trace: dict[str, list[Any]] = defaultdict(list)
        for span in self.spans:
            by_trace[span.trace_id].append(span)
        writes: list[list[Any]] = [[]]
        for spans in by_trace.values():
            if len(writes[-1]) + len(spans) > max_spans:
                writes.append([])
            for span in spans:
                if len(writes[-1]) == max_spans:
                    writes.append([])
                writes[-1].append(span)
        return [self._with_spans(spans) for spans in writes if spans] or [self]

    def _with_spans(self, spans: Sequence[Any]) -> "PendingWrite":
        experiment, _, *other_arguments = self.arguments
        return replace(
            self,
            arguments=(experiment, list(spans), *other_arguments),
            trace_ids=frozenset(span.trace_id for span in spans),
            spans=tuple(spans),
        )


class RaisingClient:
    """An MLflow tracing client whose write errors get past code that swallows exceptions."""

    RAISING_METHODS = frozenset(
        {"log_spans", "start_trace", "_upload_trace_data", "_upload_attachments"}
    )

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return self._raising(attribute) if name in self.RAISING_METHODS else attribute

    def _raising(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(target: Any, *other_arguments: Any) -> Any:
            try:
                if not is_database_reachable(self._client.tracking_uri):
                    raise ConnectionError("the database server accepts no connection")
                return method(self._resolve_experiment(target), *other_arguments)
            except Exception as error:  # whatever it is, the data is not stored
                # A reachable store that does not implement the call: MLflow has a fallback.
                if isinstance(error, NotImplementedError) and is_server_reachable(
                    self._client.store
                ):
                    raise
                raise WriteFailedError from error

        return wrapper

    def _resolve_experiment(self, target: Any) -> Any:
        """Replace a deferred experiment in an experiment id or in a trace's info."""
        from mlflow.entities.trace_location import TraceLocation

        uri = self._client.tracking_uri
        if isinstance(target, str):
            return resolve_experiment_id(target, uri)
        experiment = target.experiment_id
        if experiment and experiment.startswith(DEFERRED_PREFIX):
            experiment_id = resolve_experiment_id(experiment, uri)
            target.trace_location = TraceLocation.from_experiment_id(experiment_id)
        return target


def estimate_size_bytes(spans: Iterable[Any]) -> int:
    """Estimate the size of spans in memory; without any, that of a finished trace."""
    return sum(map(_span_size_bytes, spans)) or TRACE_SIZE_BYTES


def _span_size_bytes(span: Any) -> int:
    """Estimate a span's size from its attributes, which are JSON strings, and its event count."""
    attributes = (span._span.attributes or {}).copy()  # a view of them is slow
    text_chars = sum(len(value) for value in attributes.values() if isinstance(value, str))
    return 1_000 + text_chars + 500 * len(span._span.events)


def is_permanent_rejection(error: BaseException | None) -> bool:
    """Return whether the store answered, with a status that a retry will not change."""
    status = getattr(error, "get_http_status_code", lambda: 500)()
    return 400 <= status < 500 and status not in (401, 403, 408, 429)
