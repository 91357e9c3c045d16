"""A review queue: experts say in MLflow's pages what would have been right in a low-rated run.

    low-rated runs ──▶ queue ──▶ expert ──answers of the questions──▶ labels on the trace

The questions are label schemas of MLflow (3.14 and newer), and their answers expectations of the
trace, which `feedback_dataset.py` reads. `complete_labelled` is for labels that were logged
elsewhere: MLflow's pages complete an item themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mlflow.entities import Expectation
from mlflow.genai import label_schemas, review_queues

from workflows.lifecycle import rated_runs


class ExpertReview:
    """A queue of runs, with questions and experts. Override an attribute to change it."""

    queue_name = "low-rated runs"
    questions: Mapping[str, str] = MappingProxyType(
        {
            "expected_facts": "What would have been right? One sentence.",
            rated_runs.ANSWER_CONTAINS: "Words that each right answer contains, letter by letter.",
        }
    )

    def __init__(self, experiment_id: str, experts: Sequence[str] = ()) -> None:
        """Without `experts`, everybody may take an item of the queue."""
        self.experiment_id, self.experts = experiment_id, experts

    def submit(self, trace_ids: Iterable[str]) -> int:
        """Put runs into the queue; those that are in it stay as they are. Returns all pending."""
        queue = self.find_queue() or self.create_queue()
        if ids := list(trace_ids):
            review_queues.add_items_to_review_queue(queue.queue_id, item_ids=ids)
        return len(self.list_pending(queue))

    def complete_labelled(self) -> tuple[str, ...]:
        """Complete the items whose trace a person has labelled; returns the ids of the traces."""
        queue = self.find_queue()
        pending = self.list_pending(queue) if queue else []
        traces = rated_runs.fetch_traces(self.experiment_id, pending)
        completed = []
        for id, trace in traces.items():
            labels = (one for one in trace.info.assessments if isinstance(one, Expectation))
            people = [one.source for one in labels if one.source.source_type == rated_runs.HUMAN]
            if people:
                review_queues.set_review_queue_item_status(
                    queue.queue_id,
                    item_id=id,
                    status="complete",
                    completed_by=people[-1].source_id or "unknown",
                )
                completed.append(id)
        return tuple(completed)

    def find_queue(self) -> Any:
        """The queue of this name; None before the first run is submitted."""
        found = _list_all(review_queues.list_review_queues, experiment_id=self.experiment_id)
        return next((one for one in found if one.name == self.queue_name), None)

    def create_queue(self) -> Any:
        return review_queues.create_review_queue(
            self.queue_name,
            queue_type="custom",
            users=list(self.experts),
            schema_ids=[self.find_question(name) for name in self.questions],
            experiment_id=self.experiment_id,
        )

    def find_question(self, name: str) -> str:
        """The id of the label schema of a question, which is created if needed."""
        known = _list_all(label_schemas.list_label_schemas, experiment_id=self.experiment_id)
        for schema in known:
            if schema.name == name:
                return str(schema.schema_id)
        schema = label_schemas.create_label_schema(
            name,
            type="expectation",
            input=label_schemas.InputText(),
            instruction=self.questions[name],
            experiment_id=self.experiment_id,
        )
        return str(schema.schema_id)

    def list_pending(self, queue: Any) -> list[str]:
        """The ids of the traces that wait for an expert."""
        items = _list_all(
            review_queues.list_review_queue_items, queue_id=queue.queue_id, status="pending"
        )
        return [item.item_id for item in items]


def _list_all(list_page: Any, **arguments: Any) -> list[Any]:
    """All items of a list that MLflow returns page by page."""
    found, token = [], None
    while True:
        page = list_page(**arguments, page_token=token)
        found += page
        if not (token := page.token):
            return found
