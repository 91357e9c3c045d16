"""The dataset of low-rated runs: which runs are in it, and what a record holds."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import mlflow
import pytest
from mlflow.entities import AssessmentSource
from mlflow.exceptions import MlflowException

from workflows.lifecycle.expert_review import ExpertReview
from workflows.lifecycle.feedback_dataset import FeedbackDataset

pytestmark = pytest.mark.filterwarnings("ignore:Starting with pandas version 4")  # MLflow's own

ANNA, BEN = "anna.berg", "ben"


@dataclass(frozen=True)
class Ratings:
    """An experiment of its own, with functions that record runs and what people think of them."""

    experiment_id: str

    def run(self, inputs: Any, outputs: Any = "An answer.", **names: str) -> str:
        """Record a run without any redaction; returns the id of its trace."""
        with mlflow.tracing.context(**names), mlflow.start_span("run") as span:
            span.set_inputs(inputs)
            span.set_outputs(outputs)
        time.sleep(0.002)  # runs of one millisecond have no order
        return str(span.trace_id)

    def rate(self, trace_id: str, value: Any, person: str = ANNA, comment: str = "") -> Any:
        return self.log("feedback", trace_id, "thumb", value, person, rationale=comment or None)

    def label(self, trace_id: str, value: Any, person: str = ANNA, kind: str = "HUMAN") -> None:
        self.log("expectation", trace_id, "expected_facts", value, person, kind)

    def log(
        self,
        what: str,
        trace_id: str,
        name: str,
        value: Any,
        by: str,
        kind: str = "HUMAN",
        **more: Any,
    ) -> Any:
        mlflow.flush_trace_async_logging()
        log = getattr(mlflow, f"log_{what}")
        source = AssessmentSource(kind, by)
        return log(trace_id=trace_id, name=name, value=value, source=source, **more)

    @property
    def dataset(self) -> FeedbackDataset:
        return FeedbackDataset("low-rated runs", self.experiment_id)

    @property
    def tasks(self) -> list[str]:
        """The tasks of the records that an update adds, sorted."""
        return sorted(record.inputs["task"] for record in self.dataset.update().added)

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The records that MLflow has."""
        records = self.dataset.open_dataset().to_df().to_dict("records")
        return [
            {
                **{name: record[name] for name in ("inputs", "expectations", "tags")},
                "source": record["source"].to_dict(),
            }
            for record in records
        ]


@pytest.fixture
def ratings(store: str) -> Iterator[Ratings]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    yield Ratings(mlflow.set_experiment(f"ratings {uuid4().hex}").experiment_id)
    mlflow.set_tracking_uri(before)


def test_the_last_rating_of_each_person_counts(ratings: Ratings) -> None:
    changed_mind, made_up, disputed, unrated = (
        ratings.run({"task": task}) for task in ("forgiven", "condemned", "disputed", "unrated")
    )
    for value in (False, True):
        ratings.rate(changed_mind, value)
    for value in (True, False, True, False):
        ratings.rate(made_up, value)
    ratings.rate(disputed, False)
    ratings.rate(disputed, True, BEN)
    ratings.log("feedback", unrated, "thumb", False, "detector", kind="CODE")
    assert ratings.tasks == ["condemned", "disputed"]


def test_an_overridden_rating_no_longer_counts(ratings: Ratings) -> None:
    trace_id = ratings.run({"task": "corrected"})
    rating = ratings.rate(trace_id, False)
    mlflow.override_feedback(
        trace_id=trace_id, assessment_id=rating.assessment_id, value=True, source=rating.source
    )
    assert ratings.tasks == []


@pytest.mark.parametrize(
    ("value", "is_low"),
    [
        *((value, True) for value in (False, 2, 2.5, "no", "👎")),
        *((value, False) for value in (True, 3, 5, "yes", "<b>no</b>", {"a": 1})),
    ],
    ids=str,
)
def test_thumbs_stars_and_words_are_ratings(ratings: Ratings, value: Any, is_low: bool) -> None:
    ratings.rate(ratings.run({"task": "rated"}), value)
    assert bool(ratings.tasks) is is_low


def test_a_record_has_no_personal_data(ratings: Ratings) -> None:
    private = {
        "anna@example.com": "Mail anna@example.com",
        "+49 30 901820": "call +49 30 9018 20 55 please",
        "9018": "or phone: (030) 901 82 056",
        "4111": "card 4111 1111 1111 1111",
        "DE89": "IBAN DE89 3704 0044 0532 0130 00",
        "Lindqvist": "My name is Maria Lindqvist",
        "berg": "this is Anna.Berg speaking",
    }
    trace_id = ratings.run({"task": ". ".join(private.values())}, user="anna.berg")
    ratings.rate(trace_id, False, comment="Wrong! Ask me, anna.berg, at anna@example.com.")
    ratings.label(trace_id, "It should have called +1 212-555-0123, or ben.", BEN)
    (added,) = ratings.dataset.update().added
    assert added.comments == ("Wrong! Ask me, [redacted: name], at [redacted: e-mail].",)
    text = json.dumps(ratings.stored)
    found = [secret for secret in (*private, "555", "anna.", "ben.") if secret in text]
    assert found == []
    assert "card [redacted: card number]" in text
    assert "[redacted: phone]" in text


def test_figures_are_no_phone_numbers(ratings: Ratings) -> None:
    task = "GDP rose by +3.5 % to 25,035,164,000 in 2023-2024; +1 234 567 people; id 20231231.0042"
    ratings.rate(ratings.run({"task": task}), False)
    assert ratings.tasks == [task]


def test_equal_inputs_are_one_record_and_a_second_update_adds_nothing(ratings: Ratings) -> None:
    tasks = (
        "How large is  France?",
        "how large is france",
        "How large\nis FRANCE ?",
        "And Corsica?",
    )
    ids = [ratings.run({"task": task}) for task in tasks]
    for id in ids:
        ratings.rate(id, False, comment="Wrong.")
    update = ratings.dataset.update()
    assert {frozenset(one.trace_ids) for one in update.added} == {
        frozenset(ids[:3]),
        frozenset(ids[3:]),
    }
    before = ratings.stored
    assert len(before) == 2
    again = ratings.dataset.update()
    assert (again.added, again.changed, len(again.unchanged)) == ((), (), 2)
    assert ratings.stored == before


def test_inputs_that_differ_only_in_a_persons_address_are_one_record(ratings: Ratings) -> None:
    for address in ("anna@example.com", "ben@example.org"):
        ratings.rate(ratings.run({"task": f"Write to {address}"}), False)
    assert ratings.tasks == ["Write to [redacted: e-mail]"]


def test_a_persons_label_replaces_a_models(ratings: Ratings) -> None:
    trace_id = ratings.run({"task": "Name the anchor."})
    ratings.rate(trace_id, False)
    ratings.label(trace_id, "A model's guess.", "triage", "LLM_JUDGE")
    assert ratings.dataset.update().added[0].labels == {"expected_facts": "A model's guess."}
    ratings.label(trace_id, "Ancre.")
    ratings.label(trace_id, "Another guess.", "triage", "LLM_JUDGE")
    update = ratings.dataset.update()
    assert [one.labels for one in update.changed] == [{"expected_facts": "Ancre."}]
    assert [one["expectations"] for one in ratings.stored] == [{"expected_facts": "Ancre."}]


def test_a_turn_has_the_turns_before_it(ratings: Ratings) -> None:
    def say(text: str, answer: str, session: str) -> str:
        user, assistant = (
            {"role": role, "content": c} for role, c in (("user", text), ("assistant", answer))
        )
        return ratings.run({"messages": [user]}, {"messages": [assistant]}, session_id=session)

    for session, first in (("one's", "Anchor in French?"), ("two", "Anchor in German?")):
        say(first, "Anker", session)
        ratings.run({"is_good": True}, {"message": "a rating"}, session_id=session)
        ratings.rate(say("And sail?", "Voile", session), False)
    added = ratings.dataset.update().added
    texts = sorted([one["content"] for one in record.inputs["messages"]] for record in added)
    assert texts == [
        ["Anchor in French?", "Anker", "And sail?"],
        ["Anchor in German?", "Anker", "And sail?"],
    ]


def test_a_deleted_trace_takes_no_feedback_and_its_record_stays(ratings: Ratings) -> None:
    kept, deleted = ratings.run({"task": "kept"}), ratings.run({"task": "deleted"})
    for id in (kept, deleted):
        ratings.rate(id, False)
    assert ratings.tasks == ["deleted", "kept"]
    mlflow.MlflowClient().delete_traces(ratings.experiment_id, trace_ids=[deleted])
    with pytest.raises(MlflowException, match="not found"):
        ratings.rate(deleted, True)
    update = ratings.dataset.update()
    assert (update.added, update.changed, update.skipped) == ((), (), {})
    assert {one["tags"]["trace_ids"] for one in ratings.stored} == {kept, deleted}


def test_a_hostile_comment_is_plain_text(ratings: Ratings) -> None:
    comment = '<img src=x onerror=alert(1)>\n"""\\\n[link](javascript:alert(1)) {{ inputs }} \u202e'
    ratings.rate(ratings.run({"task": "hostile"}), False, comment=comment)
    (added,) = ratings.dataset.update().added
    assert added.comments == (comment,)
    assert ratings.dataset.update().unchanged == (added,)


def test_a_run_that_cannot_be_a_record_does_not_keep_out_others(ratings: Ratings) -> None:
    mixed = ratings.run({"goal": "a key of MLflow's own", "task": "beside another"})
    empty, fine, text = ratings.run({}), ratings.run({"task": "fine"}), ratings.run("a text")
    for id in (mixed, empty, fine, text):
        ratings.rate(id, False)
    update = ratings.dataset.update()
    added = {record.trace_ids: record.inputs for record in update.added}
    assert added == {(fine,): {"task": "fine"}, (text,): {"input": "a text"}}
    assert update.skipped[empty] == "its root span is not stored, or has no input"
    assert "goal" in update.skipped[mixed]
    assert len(update.skipped) == 2


def test_an_expert_reviews_each_run_once(ratings: Ratings) -> None:
    review = ExpertReview(ratings.experiment_id, ["eva"])
    first, second = ratings.run({"task": "first"}), ratings.run({"task": "second"})
    for id in (first, second):
        ratings.rate(id, False)
    assert review.complete_labelled() == ()
    assert (review.submit([first, second]), review.submit([second])) == (2, 2)
    ratings.label(first, "A model's guess.", "triage", "LLM_JUDGE")
    assert review.complete_labelled() == ()
    ratings.label(first, "What was right.", "eva")
    assert review.complete_labelled() == (first,)
    mlflow.MlflowClient().delete_traces(ratings.experiment_id, trace_ids=[second])
    assert (review.complete_labelled(), review.submit([first])) == ((), 0)
    queue = review.find_queue()
    assert queue.users == ["eva"]
    assert len(queue.schema_ids) == len(review.questions)
