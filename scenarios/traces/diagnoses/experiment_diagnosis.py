"""Diagnose all runs of an experiment, one run or session at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.diagnosis import Diagnosis, Finding, diagnose
from instrumentation.trace import Trace, trace_from_mlflow
from instrumentation.trace.session import RUN_TAG, SESSION_KEY
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS
from instrumentation.trace.store_search import find_experiments
from scenarios.traces.diagnoses.assessments import log_findings
from scenarios.traces.store.saved_query_search import PAGE_SIZE, filter_ids, iter_infos


@dataclass(frozen=True)
class DiagnosedRun:
    """A run or session of an experiment, with its diagnosis; `problem` if it cannot be read."""

    trace_ids: tuple[str, ...]
    diagnosis: Diagnosis | None
    problem: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.diagnosis.findings if self.diagnosis else ()

    def to_json(self) -> dict[str, Any]:
        """The run as `diagnose --experiment … --json` prints it."""
        empty: dict[str, Any] = {"findings": [], "lacks": []}
        known = self.diagnosis.to_json() if self.diagnosis else empty
        problem = {"problem": self.problem} if self.problem else {}
        return {"trace_ids": list(self.trace_ids), **known, **problem}


class ExperimentDiagnosis:
    """The runs of an experiment, oldest first.

    Raises:
        TraceNotFoundError: No experiment has this name.
    """

    def __init__(self, experiment: str, tracking_uri: str) -> None:
        import mlflow  # takes three seconds, which `--help` need not wait for

        self._uri = tracking_uri
        self._client = mlflow.MlflowClient(tracking_uri)
        self._locations = list(find_experiments(self._client, experiment))
        self.groups = self._group_ids()

    def iter_runs(self, *, log: bool = False) -> Iterator[DiagnosedRun]:
        """Yield each run as it is diagnosed; with `log`, log its findings in the store."""
        for ids in self.groups:
            try:
                trace = self._fetch(ids)
            except UNREADABLE_TRACE_ERRORS as error:
                yield DiagnosedRun(ids, None, f"{type(error).__name__}: {error}")
                continue
            diagnosis = diagnose(trace)
            if log:
                log_findings(trace, diagnosis, self._uri)
            yield DiagnosedRun(ids, diagnosis)

    def _group_ids(self) -> list[tuple[str, ...]]:
        """The ids of all traces; those of one session or of one run of `record_run` together."""
        groups: dict[str, list[str]] = {}
        query = {"locations": self._locations, "order_by": ["timestamp_ms ASC"]}
        for info in iter_infos(self._client, **query, max_results=PAGE_SIZE):
            session = info.trace_metadata.get(SESSION_KEY)
            key = session or info.tags.get(RUN_TAG) or info.trace_id
            groups.setdefault(key, []).append(info.trace_id)
        return [tuple(ids) for ids in groups.values()]

    def _fetch(self, ids: Sequence[str]) -> Trace:
        found = self._client.search_traces(
            locations=self._locations, filter_string=filter_ids(ids), max_results=len(ids)
        )
        return trace_from_mlflow(one.to_dict() for one in found)
