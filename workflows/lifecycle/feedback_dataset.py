"""Make an evaluation dataset of the runs that people rated low.

    traces ──▶ last rating of each person ──▶ low-rated runs ──▶ records ──▶ dataset
                                                    ▲
               labels: what would have been right ──┘

A rating is a feedback of a person, a thumb or stars; a label is an expectation. Both are logged on
the trace of a run: by the application (`rated_chat.py`), in MLflow's pages, or in a review queue
(`expert_review.py`). A record has the run's input and its labels without personal data, and the ids
of its traces. For MLflow, inputs are equal if their JSON is; here, spaces, case and the punctuation
at the end do not count either. Read on in `rated_runs.py` and `dataset_records.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.entities import Feedback, TraceInfo
from mlflow.exceptions import MlflowException
from mlflow.genai.datasets import EvaluationDataset, create_dataset, search_datasets

from instrumentation.redaction import STRICT_REDACTION
from instrumentation.redaction.personal_data_patterns import make_name_patterns
from workflows.lifecycle import rated_runs
from workflows.lifecycle.dataset_records import Record, read_records, to_key, to_mlflow_record

INVALID_INPUT = "INVALID_PARAMETER_VALUE"
"""MLflow's code for a record that it rejects, such as one whose input has its own key "goal"."""
LOW_WORDS = frozenset({"no", "fail", "bad", "down", "thumbs_down", "thumbs down", "👎"})


@dataclass(frozen=True)
class DatasetUpdate:
    """What an update did to the dataset; `skipped` has the reason by trace id."""

    added: tuple[Record, ...]
    changed: tuple[Record, ...]
    unchanged: tuple[Record, ...]
    skipped: Mapping[str, str]


class FeedbackDataset:
    """The low-rated runs of an experiment. Override a method to change one decision."""

    fewest_good_stars = 3
    redaction = STRICT_REDACTION

    def __init__(self, name: str, experiment_id: str) -> None:
        self.name, self.experiment_id = name, experiment_id

    def update(self) -> DatasetUpdate:
        """Add what the dataset lacks. A second update adds nothing."""
        found, skipped = self.collect_records()
        dataset = self.open_dataset()
        known = {to_key(one.inputs): one for one in read_records(dataset)}
        results: dict[str, list[Record]] = {"added": [], "changed": [], "unchanged": []}
        for key, record in found.items():
            before = known.get(key)
            after = before.extend(record) if before else record
            try:
                if after != before:
                    dataset.merge_records([to_mlflow_record(after)])
            except MlflowException as error:
                if error.error_code != INVALID_INPUT:
                    raise
                skipped |= dict.fromkeys(record.trace_ids, error.message)
                continue
            kind = "added" if before is None else "unchanged" if after == before else "changed"
            results[kind].append(after)
        return DatasetUpdate(
            **{key: tuple(value) for key, value in results.items()}, skipped=skipped
        )

    def select_low_rated(self, runs: Sequence[TraceInfo]) -> list[TraceInfo]:
        """The runs of which a person's last rating is low."""
        return [run for run in runs if any(map(self.is_low, rated_runs.read_ratings(run)))]

    def is_low(self, rating: Feedback) -> bool:
        """Whether a rating is a thumb down, or has few stars."""
        if isinstance(rating.value, bool):
            return not rating.value
        if isinstance(rating.value, int | float):
            return rating.value < self.fewest_good_stars
        return str(rating.value).strip().casefold() in LOW_WORDS

    def collect_records(self) -> tuple[dict[str, Record], dict[str, str]]:
        """The records of the low-rated runs by their key, and why runs were skipped."""
        runs = rated_runs.list_runs(self.experiment_id)
        low = self.select_low_rated(runs)
        turns = {run.trace_id: rated_runs.list_earlier_turns(run, runs) for run in low}
        ids = [id for last, earlier in turns.items() for id in (*earlier, last)]
        traces = rated_runs.fetch_traces(self.experiment_id, ids)
        groups: dict[str, list[TraceInfo]] = {}
        inputs: dict[str, Mapping[str, Any]] = {}
        skipped: dict[str, str] = {}
        for run in low:
            earlier = [traces[id] for id in turns[run.trace_id] if id in traces]
            trace = traces.get(run.trace_id)
            found = rated_runs.read_inputs(trace, earlier) if trace else {}
            if not found:
                skipped[run.trace_id] = "its root span is not stored, or has no input"
                continue
            safe = self.redact(found, [run])
            groups.setdefault(to_key(safe), []).append(run)
            inputs.setdefault(to_key(safe), safe)
        return {key: self.make_record(inputs[key], same) for key, same in groups.items()}, skipped

    def make_record(self, inputs: Mapping[str, Any], runs: Sequence[TraceInfo]) -> Record:
        """One record of all runs with an equal input."""
        ratings = [one for run in runs for one in rated_runs.read_ratings(run) if self.is_low(one)]
        comments = dict.fromkeys(one.rationale for one in ratings if one.rationale)
        return Record(
            inputs,
            self.redact(rated_runs.read_labels(runs), runs),
            tuple(run.trace_id for run in runs),
            tuple(self.redact(list(comments), runs)),
        )

    def redact(self, value: Any, runs: Sequence[TraceInfo]) -> Any:
        """Remove secrets and personal data, and the names of the people in the runs' traces."""
        names = set().union(*map(rated_runs.list_people, runs))
        return self.redaction.with_patterns(*make_name_patterns(names)).redact_value(value)

    def open_dataset(self) -> EvaluationDataset:
        found = search_datasets(experiment_ids=[self.experiment_id])
        same = (one for one in found if one.name == self.name)
        return next(same, None) or create_dataset(self.name, self.experiment_id)
