"""Score one version of a prompt on a dataset's tasks, so that versions can be compared.

    dataset ──task──▶ version ──answer──▶ scorer ──▶ passed or failed

`mlflow.genai.evaluate` makes an evaluation run of each version. Each answer is a trace that is
linked to the version of its prompt, and to the `LoggedModel` with the parameters.
"""

from collections.abc import Callable, Sequence
from typing import Any

import mlflow
from mlflow.entities import Feedback
from mlflow.genai import scorer
from openai import OpenAI

from workflows.lifecycle.dataset_records import Record, to_key
from workflows.lifecycle.rated_runs import ANSWER_CONTAINS
from workflows.lifecycle.released_chat import activate_model
from workflows.model import AGENT_HEADER, Model, UnansweredTaskError


class PromptEvaluation:
    """Scores a version of a prompt on tasks with the label `answer_contains`."""

    agent = "assistant"

    def __init__(self, model: Model, records: Sequence[Record]) -> None:
        self.model = model
        self.records = [one for one in records if one.labels.get(ANSWER_CONTAINS)]
        self._errors: list[Exception] = []

    def score_version(self, prompt: str) -> dict[str, bool]:
        """Whether each task passes with a prompt, as NAME/VERSION or NAME@ALIAS.

        Raises:
            UnansweredTaskError: A task has no answer. MLflow would take that for a wrong one.
        """
        self._errors.clear()
        passed: dict[str, bool] = {}

        @scorer(name=ANSWER_CONTAINS)  # type: ignore[untyped-decorator]  # mlflow has no types
        def contains_words(inputs: Any, outputs: Any, expectations: Any) -> Feedback:
            words = expectations[ANSWER_CONTAINS]
            missing = [one for one in _to_list(words) if one not in str(outputs)]
            passed[to_key(inputs)] = not missing
            return Feedback(value=not missing, rationale=f"missing: {missing}" if missing else "")

        version = mlflow.genai.load_prompt(f"prompts:/{prompt}")
        parameters = {
            "prompt": version.name,
            "prompt_version": str(version.version),
            "model": self.model.name,
        }
        with activate_model(parameters), mlflow.start_run(run_name=prompt):
            mlflow.genai.evaluate(
                data=[
                    {"inputs": dict(one.inputs), "expectations": dict(one.labels)}
                    for one in self.records
                ],
                predict_fn=self.make_answerer(f"prompts:/{version.name}/{version.version}"),
                scorers=[contains_words],
            )
        if self._errors:
            error = self._errors[0]
            raise UnansweredTaskError(
                f"{prompt}: {len(self._errors)} of {len(self.records)} tasks have no answer:"
                f" {type(error).__name__}: {error}"
            ) from error
        return passed

    def make_answerer(self, uri: str) -> Callable[..., str]:
        """A function that answers a task with a prompt. It loads the prompt within its trace."""

        def answer(**inputs: Any) -> str:
            prompt = mlflow.genai.load_prompt(uri)
            messages = [{"role": "system", "content": prompt.template}, *to_messages(inputs)]
            client = OpenAI(
                base_url=self.model.base_url,
                api_key=self.model.api_key,
                timeout=self.model.timeout_s,
                max_retries=self.model.max_retries,
                default_headers={AGENT_HEADER: self.agent},
            )
            with client:
                completion = client.chat.completions.create(
                    model=self.model.name,
                    messages=messages,  # type: ignore[arg-type]  # as the dataset holds them
                )
            return completion.choices[0].message.content or ""

        def answer_or_note_the_error(**inputs: Any) -> str:
            try:
                return traced(**inputs)
            except Exception as error:  # MLflow catches any, and would rate no answer as wrong
                self._errors.append(error)
                raise

        traced: Callable[..., str] = mlflow.trace(answer)
        return answer_or_note_the_error


def to_messages(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a task: its own, or its values as one message of the user."""
    if isinstance(messages := inputs.get("messages"), list):
        return messages
    return [{"role": "user", "content": "\n".join(map(str, inputs.values()))}]


def _to_list(words: Any) -> list[str]:
    return [words] if isinstance(words, str) else list(map(str, words))
