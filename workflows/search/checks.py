"""A citation: a result that an answer names, and whether it bears the answer out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlflow
from mlflow.entities import SpanType

from instrumentation.figures.figure_check import check_figures
from workflows.marks import cites

SENTENCE = re.compile(r"(?:\d+[.)] )?\S.*?(?:[.!?](?:\s*\[[\d, ]+\])*(?=\s|$)|$)", re.MULTILINE)
"""A sentence ends with its full stop, or with the citations behind it, or with its line. The number
of an item of a list is no sentence."""


@dataclass(frozen=True)
class Result:
    """What a search found; `number` counts over the whole run, from 1, in the order of calls."""

    number: int
    title: str
    text: str
    source: str

    def __str__(self) -> str:
        return f"[{self.number}] {self.title} ({self.source})\n{self.text}"

    @property
    def says(self) -> str:
        """What it says, without its number and its address."""
        return f"{self.title}\n{self.text}"


Accepts = Callable[[str, Sequence[str]], str | None]
"""Judges an answer by the texts that the model was given, the task first: what is wrong."""
Checks = Callable[[str, Sequence[Result]], Sequence[Result]]
"""The results that the figures of a sentence are held against."""


def borne_out(answer: str, texts: Sequence[str]) -> str | None:
    """Objects to figures that stand neither in the task nor in any result."""
    bare = [str(unsourced) for unsourced in check_figures(answer, texts).unsupported]
    if not bare:
        return None
    return f"Search first: neither the task nor a result bears out {'; '.join(bare)}."


def the_cited(sentence: str, results: Sequence[Result]) -> Sequence[Result]:
    """The results that the sentence cites, or all, if it cites none."""
    cited = cites(sentence)
    return [result for result in results if result.number in cited] if cited else results


@dataclass(frozen=True)
class Judge:
    """Judges an answer before it is given."""

    accepts: Accepts
    checks: Checks

    def objection(self, answer: str, told: Sequence[str], results: Sequence[Result]) -> str | None:
        """What is wrong with the answer, for the model that gave it; seen in the trace. `told` is
        what the model was told besides results: the task, and why calls failed."""
        with mlflow.start_span("judge_answer", span_type=SpanType.GUARDRAIL) as span:
            span.set_inputs({"answer": answer})
            said = (
                _empty(answer)
                or self.accepts(answer, [*told, *(result.says for result in results)])
                or self.misread(answer, told, results)
            )
            span.set_attribute("flight_recorder.guardrail.passed", said is None)
            span.set_outputs({"objection": said})
        return said

    def misread(self, answer: str, told: Sequence[str], results: Sequence[Result]) -> str | None:
        """Citations of no result, and figures that the results do not bear out against which
        `checks` holds them. What was `told` may always be repeated."""
        absent = sorted(cites(answer) - {result.number for result in results})
        faults = [f"there is no result [{number}]" for number in absent]
        for sentence in sentences(answer):
            if not (held := self.checks(sentence, results)):
                continue  # what no result bears out is for `accepts` to judge
            numbers = "".join(f"[{result.number}]" for result in held)
            known = [*told, *(result.says for result in held)]
            unsourced = check_figures(sentence, known).unsupported
            faults += [f"{numbers} does not bear out {figure}" for figure in unsourced]
        return f"Read the results again: {'; '.join(faults)}." if faults else None


def sentences(answer: str) -> tuple[str, ...]:
    """The sentences of an answer, each with the citations that stand behind its full stop."""
    return tuple(SENTENCE.findall(answer))


def _empty(answer: str) -> str | None:
    return None if answer.strip() else "The answer is empty: answer the task, or search."
