"""Update the dataset of an experiment's low-rated runs, and report what was added."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow

from instrumentation.trace import TraceNotFoundError
from instrumentation.trace.store_search import find_experiments
from scenarios.expectations.wording import shorten, to_text
from scenarios.reports.wording import count_of
from workflows.lifecycle import rated_runs
from workflows.lifecycle.dataset_records import Record
from workflows.lifecycle.expert_review import ExpertReview
from workflows.lifecycle.feedback_dataset import DatasetUpdate, FeedbackDataset


@dataclass(frozen=True)
class FeedbackReport:
    """What an update did; `pending` runs wait for an expert, None without a review queue."""

    dataset: str
    update: DatasetUpdate
    pending: int | None

    def describe(self) -> Iterator[str]:
        update = self.update
        runs = sum(len(one.trace_ids) for one in _records(update))
        counts = ", ".join(
            f"{len(found)} {kind}" for kind, found in _by_kind(update).items() if found
        )
        yield f"{count_of(runs, 'low-rated run')} in the dataset {self.dataset!r}: " + (
            f"{count_of(len(_records(update)), 'record')}, {counts}" if counts else "no record"
        )
        for record in (*update.added, *update.changed):
            yield f"  {_describe_inputs(record)}"
            yield from (f"    {name}: {to_text(label)}" for name, label in record.labels.items())
        yield from (f"  skipped {id}: {reason}" for id, reason in update.skipped.items())
        if self.pending is not None:
            yield f"{count_of(self.pending, 'run')} in the review queue"

    def to_json(self) -> dict[str, Any]:
        records = {
            kind: [
                {
                    "inputs": one.inputs,
                    "labels": one.labels,
                    "trace_ids": list(one.trace_ids),
                    "comments": list(one.comments),
                }
                for one in found
            ]
            for kind, found in _by_kind(self.update).items()
        }
        skipped = dict(self.update.skipped)
        return {"dataset": self.dataset, **records, "skipped": skipped, "pending": self.pending}


def update_from_feedback(
    store: str,
    experiment: str,
    name: str,
    *,
    experts: Sequence[str] = (),
    with_review: bool = False,
) -> FeedbackReport:
    """Update the dataset `name` of an experiment.

    Args:
        experiment: The name of the experiment whose low-rated runs are added.
        name: The name of the dataset, which is created if needed.
        experts: Users who review the runs; () for everybody.
        with_review: Whether runs that no person has labelled are put into the review queue.

    Raises:
        TraceNotFoundError: No experiment has this name.
    """
    if not experiment:
        raise TraceNotFoundError("expected the name of an experiment, found an empty text")
    mlflow.set_tracking_uri(store)
    (experiment_id,) = find_experiments(mlflow.MlflowClient(store), experiment)
    dataset = FeedbackDataset(name, experiment_id)
    update, pending = dataset.update(), None
    if with_review:
        review = ExpertReview(experiment_id, experts)
        review.complete_labelled()
        low = dataset.select_low_rated(rated_runs.list_runs(experiment_id))
        unlabelled = [one.trace_id for one in low if not rated_runs.is_labelled_by_person(one)]
        pending = review.submit(unlabelled)
    return FeedbackReport(name, update, pending)


def _by_kind(update: DatasetUpdate) -> dict[str, tuple[Record, ...]]:
    return {"added": update.added, "changed": update.changed, "unchanged": update.unchanged}


def _records(update: DatasetUpdate) -> list[Record]:
    return [record for found in _by_kind(update).values() for record in found]


def _describe_inputs(record: Record) -> str:
    """The task of a record in one line: its last message, or its values."""
    messages = record.inputs.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        value = messages[-1].get("content")
    else:
        value = " ".join(map(to_text, record.inputs.values()))
    return shorten(" ".join(to_text(value).split()))
