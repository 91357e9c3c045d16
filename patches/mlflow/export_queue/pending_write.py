"""A parcel: spans, or a finished trace, on the way to a store that may not take it at once."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from patches.mlflow.deferred_experiment import (
    DEFERRED_PREFIX,
    is_server_reachable,
    resolve_experiment_id,
)

TRACE_SIZE_BYTES = 2_000
"""What a finished trace weighs beside its spans, about."""


class WriteFailedError(BaseException):
    """Raised when a store did not take a parcel, from the error that says why.

    No `Exception`, for MLflow's exporter swallows each of those, and then nobody knows.
    """


@dataclass(frozen=True, eq=False)
class PendingWrite:
    """What one call of MLflow's exporter brings to the store.

    `spans` are those that it brings; a finished trace brings none, for they went ahead of it.
    """

    write: Callable[..., None]
    exporter: Any
    arguments: tuple[Any, ...]
    trace_ids: frozenset[str]
    spans: tuple[Any, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, in bytes, about."""
        return sum(map(_span_size_bytes, self.spans)) or TRACE_SIZE_BYTES

    def attempt(self) -> None:
        """Have the store take it. Raises `Unstored`; to offer it twice does no harm."""
        exporter = copy(self.exporter)
        exporter._client = RaisingClient(exporter._client)
        self.write(exporter, *self.arguments)
        # MLflow's exporter learns so that a store in files takes traces only.
        self.exporter._store_supports_log_spans = exporter._store_supports_log_spans

    def split(self, max_spans: int) -> "list[PendingWrite]":
        """Itself in parcels of at most so many spans."""
        return [
            self._with_spans(self.spans[start : start + max_spans])
            for start in range(0, len(self.spans), max_spans)
        ] or [self]

    def _with_spans(self, spans: Sequence[Any]) -> "PendingWrite":
        experiment, _, *others = self.arguments
        return replace(
            self,
            arguments=(experiment, list(spans), *others),
            trace_ids=frozenset(span.trace_id for span in spans),
            spans=tuple(spans),
        )


class RaisingClient:
    """An MLflow tracing client whose failures to store pass through whoever swallows exceptions."""

    RAISING_METHODS = frozenset(
        {"log_spans", "start_trace", "_upload_trace_data", "_upload_attachments"}
    )

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return self._raising(attribute) if name in self.RAISING_METHODS else attribute

    def _raising(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def told(subject: Any, *others: Any) -> Any:
            try:
                return call(self._resolve_experiment(subject), *others)
            except Exception as error:  # whatever it is, the store has not got it
                if isinstance(error, NotImplementedError) and is_server_reachable(
                    self._client.store
                ):
                    raise
                raise WriteFailedError from error

        return told

    def _resolve_experiment(self, subject: Any) -> Any:
        """An experiment's id, or a trace's info, whose experiment is awaited no more."""
        from mlflow.entities.trace_location import TraceLocation

        if isinstance(subject, str):
            return resolve_experiment_id(subject, self._client.tracking_uri)
        experiment = subject.experiment_id
        if experiment and experiment.startswith(DEFERRED_PREFIX):
            there = resolve_experiment_id(experiment, self._client.tracking_uri)
            subject.trace_location = TraceLocation.from_experiment_id(there)
        return subject


def _span_size_bytes(span: Any) -> int:
    """A span's text, and what objects weigh. Its values are JSON already."""
    attributes = span._span.attributes or {}
    texts = sum(len(value) for value in attributes.values() if isinstance(value, str))
    return 1_000 + texts + 500 * len(span._span.events)


def is_permanent_rejection(error: BaseException | None) -> bool:
    """Whether the store answers, and says that it never will take this."""
    status = getattr(error, "get_http_status_code", lambda: 500)()
    return 400 <= status < 500 and status not in (401, 403, 408, 429)
