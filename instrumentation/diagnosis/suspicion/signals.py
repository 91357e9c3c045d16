"""Signals that raise or lower the suspicion that a failure began in a step.

Each is a plain function of the steps of a run, with a weight that is a whole or a half. The weights
were fitted on a half of two public sets of failed runs, and rounded; `docs/how-to/
diagnose-conversation-logs.md` says how they do on the other half.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from instrumentation.diagnosis.reading.lexicon import ASSUMED, CONCLUSION, PROBLEM
from instrumentation.diagnosis.reading.texts import content_words
from instrumentation.diagnosis.reading.trace_index import TraceIndex
from instrumentation.diagnosis.suspicion.agent_step import AgentStep, iter_steps
from instrumentation.figures import extract_figures

FINAL_ANSWER = re.compile(r"\bfinal answer\b\W*(.+)", re.I)
NAME = re.compile(r"[\"“”'][^\"“”'\n]{3,60}[\"“”']|\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b")
"""A quotation, or a name of several words."""
MAX_ANSWER_CHARS = 800
"""An answer's values are read from its last characters; what comes before is how it was found."""
MIN_STEP_CHARS = 30
"""A shorter text without a tool call does no work, such as a word that ends the run."""
MIN_TASK_WORDS = 5
MAX_TASK_OVERLAP = 0.2
"""A plan with a smaller share of the task's words is a plan for another task."""


class Steps:
    """The steps of a run, and where its answer comes from."""

    def __init__(self, index: TraceIndex) -> None:
        self.index = index
        self.steps = tuple(iter_steps(index))

    @cached_property
    def answer_step(self) -> tuple[AgentStep, str] | None:
        """The step that first states a value of the answer, if nothing before it does.

        Returns:
            The step and the value; None if a source stated the values, or the task did.
        """
        task, opening = self.index.task, self.steps[0].text if self.steps else ""
        values = {value for value in _values_of(self.index.answer) if value and value not in task}
        sourced = {value for value in values if value in opening}
        for step in self.steps[1:]:
            if stated := [value for value in values if value in step.text]:
                new = sorted(value for value in stated if value not in sourced)
                return (step, new[0]) if new else None
            sourced.update(value for value in values - sourced if value in step.results)
        return None

    def before(self, step: AgentStep) -> AgentStep | None:
        return self.steps[step.position - 1] if step.position else None

    def after(self, step: AgentStep) -> AgentStep | None:
        following = step.position + 1
        return self.steps[following] if following < len(self.steps) else None


def _values_of(answer: str) -> set[str]:
    """The figures, names and quotations of an answer."""
    found = FINAL_ANSWER.findall(answer)
    text = (found[-1] if found else answer)[-MAX_ANSWER_CHARS:]
    figures = {figure.text for figure in extract_figures(text)}
    return figures | {match.group().strip("\"“”'") for match in NAME.finditer(text)}


@dataclass(frozen=True)
class Signal:
    """A reason for or against a step.

    Attributes:
        weight: What it adds to the score of a step, times its strength.
        find: Returns its strength, and the text that shows it; strength 0.0: it is absent.
        shows: What the text shows; empty if the signal is no evidence, but a matter of order.
    """

    weight: float
    find: Callable[[Steps, AgentStep], tuple[float, str]]
    shows: str = ""


def _plans_another_task(steps: Steps, step: AgentStep) -> tuple[float, str]:
    task = content_words(steps.index.task)
    if step.position or len(task) < MIN_TASK_WORDS:
        return 0.0, ""
    rest = step.text
    for text in _texts_of_task(steps):
        rest = rest.replace(text, " ")
    words = content_words(rest)
    is_other = len(words) >= len(task) and len(task & words) < MAX_TASK_OVERLAP * len(task)
    return float(is_other), rest.strip()


def _texts_of_task(steps: Steps) -> Iterator[str]:
    for root in steps.index.trace.roots:
        values = root.inputs.values() if isinstance(root.inputs, dict) else [root.inputs]
        yield from (value for value in values if isinstance(value, str) and value)


def _states_the_answer(steps: Steps, step: AgentStep) -> tuple[float, str]:
    found = steps.answer_step
    return (1.0, found[1]) if found and found[0] is step else (0.0, "")


def _assumes_data(_: Steps, step: AgentStep) -> tuple[float, str]:
    return _match(ASSUMED, step, step.text)


def _writes_code(_: Steps, step: AgentStep) -> tuple[float, str]:
    return (1.0, step.text[step.text.find("```") :]) if step.has_code else (0.0, "")


def _concludes_without_a_result(_: Steps, step: AgentStep) -> tuple[float, str]:
    return (0.0, "") if step.calls else _match(CONCLUSION, step, step.prose)


def _is_followed_by_a_problem(steps: Steps, step: AgentStep) -> tuple[float, str]:
    following = steps.after(step)
    return _match(PROBLEM, step, following.prose) if following else (0.0, "")


def _repairs(steps: Steps, step: AgentStep) -> tuple[float, str]:
    before = steps.before(step)
    return float(before is not None and before.has_failed_call), ""


def _does_nothing(_: Steps, step: AgentStep) -> tuple[float, str]:
    return float(len(step.text) < MIN_STEP_CHARS and not step.calls), ""


def _match(pattern: re.Pattern[str], step: AgentStep, text: str) -> tuple[float, str]:
    """Whether a pattern is in a text, and the text from there; the first step only opens."""
    found = pattern.search(text) if step.position else None
    return (1.0, text[max(found.start() - 60, 0) :]) if found else (0.0, "")


SIGNALS: tuple[Signal, ...] = (
    Signal(2.0, _plans_another_task, "it plans a task that shares no words with the run's"),
    Signal(1.0, _states_the_answer, "the answer has this, which nothing before it states"),
    Signal(1.0, _assumes_data, "it works with data that it assumes"),
    Signal(1.0, _writes_code, "it decides by code"),
    Signal(
        1.0, lambda _, step: (step.is_handed, step.text), "it does what another agent handed to it"
    ),
    Signal(0.5, _concludes_without_a_result, "it concludes without a result of a tool"),
    Signal(0.5, _is_followed_by_a_problem, "the next step speaks of a problem"),
    Signal(-0.5, _repairs),
    Signal(-0.5, lambda _, step: (math.log1p(step.position), "")),
    Signal(-1.0, _does_nothing),
    Signal(-1.0, lambda _, step: (step.position == 0, "")),
)
"""For a step: evidence. Against it: it repairs, comes late, does nothing, or only opens the run."""
