"""Score finished runs: with judges, with code, and with MLflow's scorers that need no model.

    traces ──▶ judges of a run ─────────────▶ relevance, correctness, safety
               judge of a step ─────────────▶ groundedness, on the span of the last turn, too
               judge of a session ──────────▶ conversation
               scorers without a model ─────▶ length, personal data, and what the caller adds

`mlflow.genai.evaluate` stores the scores as assessments of the traces, and their means as metrics
of an evaluation run. A judge is a model with one of the rubrics in `rubrics.py`; it reads the
expected facts of a trace from the expectations that were logged on it.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import mlflow
from mlflow.entities import Feedback, Trace
from mlflow.genai import make_judge, scorer
from mlflow.genai.scorers import PIIDetection, ResponseLength, Scorer

from instrumentation import trace_from_mlflow
from workflows.lifecycle import rubrics
from workflows.model import AGENT_HEADER, Model

TEMPLATE = "Task: {{ inputs }}\n\nAnswer: {{ outputs }}"


class Evaluation:
    """Scores traces with a model as judge. Override a method to change one decision.

    MLflow sends the key in `OPENAI_API_KEY` to the judge's endpoint.
    """

    run_rubrics: Mapping[str, str] = {
        "relevance": f"{rubrics.RELEVANCE}\n\n{TEMPLATE}",
        "correctness": f"{rubrics.CORRECTNESS}\n\nExpected: {{{{ expectations }}}}\n\n{TEMPLATE}",
        "safety": f"{rubrics.SAFETY}\n\n{TEMPLATE}",
    }
    step_rubric = f"{rubrics.GROUNDEDNESS}\n\nGiven: {{{{ inputs }}}}\n\nAnswer: {{{{ outputs }}}}"
    session_rubric = f"{rubrics.CONVERSATION}\n\n{{{{ conversation }}}}"

    def __init__(self, model: Model, scorers: Sequence[Scorer] = ()) -> None:
        """`scorers` are the caller's own, beside those of this class."""
        self.model, self.scorers = model, scorers

    def run(self, name: str, traces: Sequence[Trace]) -> Any:
        """Score the runs; returns MLflow's `EvaluationResult`. The evaluation run gets the name."""
        with mlflow.start_run(run_name=name):
            return mlflow.genai.evaluate(
                data=list(traces),
                scorers=[
                    *(self.make_judge(name, text) for name, text in self.run_rubrics.items()),
                    self.make_step_scorer(),
                    *self.code_scorers(),
                    *self.scorers,
                ],
            )

    def run_session(self, name: str, traces: Sequence[Trace]) -> Any:
        """Score the conversation that the traces of a session are."""
        judge = self.make_judge("conversation", self.session_rubric)
        with mlflow.start_run(run_name=name):
            return mlflow.genai.evaluate(data=list(traces), scorers=[judge])

    def make_judge(self, name: str, instructions: str) -> Any:
        """A judge that says whether an answer passes, and why. `base_url` is the whole address."""
        return make_judge(
            name=name,
            instructions=instructions,
            model=f"openai:/{self.model.name}",
            base_url=f"{self.model.base_url.rstrip('/')}/chat/completions",
            extra_headers={AGENT_HEADER: name},
            feedback_value_type=bool,
            generate_rationale_first=True,
        )

    def make_step_scorer(self) -> Scorer:
        """Rate the turn that wrote the result by what its agent was given."""
        judge = self.make_judge("groundedness", self.step_rubric)

        @scorer(name="groundedness")  # type: ignore[untyped-decorator]  # mlflow has no types
        def rate_last_turn(trace: Trace) -> Feedback:
            recorded = trace_from_mlflow([trace.to_dict()])
            turn = recorded.spans_of_type("AGENT")[-1]
            last_call = [span for span in turn if span.type == "LLM"][-1]
            given = {"messages": last_call.inputs["messages"]}
            feedback = judge(inputs=given, outputs={"answer": turn.outputs})
            on_span = copy(feedback)  # `evaluate` moves what it gets to the root span
            on_span.name, on_span.span_id = f"groundedness of {turn.name}", turn.id
            mlflow.log_assessment(trace.info.trace_id, on_span)
            return feedback

        rating: Scorer = rate_last_turn
        return rating

    def code_scorers(self) -> list[Scorer]:
        """MLflow's own scorers that call no model."""
        return [ResponseLength(min_length=20, unit="chars"), PIIDetection()]
