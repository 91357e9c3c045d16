"""Loads the known regressions of tracing integrations from a TOML file.

Each has the fields of a `Regression`. Its case is named as in "crewai/memory". A side is the name
of a declared environment and an instrumentor.
"""

import tomllib
from functools import cache
from pathlib import Path

from integrations.cases.all_cases import all_cases
from integrations.cases.case import Case
from integrations.cases.scripted_replies import scripted_reply
from integrations.environments.declared_environments import find_declared
from integrations.regressions.regression import Regression, RegressionSide

SHARED_MODEL = Case(
    "shared_model",
    "crewai",
    "two agents share a model object, and have no tools",
    scripted_replies=(
        scripted_reply("clerk", "The first part is done."),
        scripted_reply("clerk", "So is the second."),
    ),
    turns=("clerk", "clerk"),
    handoffs=(("clerk", "clerk"),),
)
"""A case that is not in the fidelity table. Its answer is the token count that CrewAI reports."""

ONE_AGENT = Case(
    "answer",
    "ag2",
    "one agent answers",
    scripted_replies=(scripted_reply("clerk", "It is done."),),
    turns=("clerk",),
)
"""The only case of AG2, whose autologging the fidelity table does not cover."""


@cache
def load_known_regressions() -> tuple[Regression, ...]:
    """Read the regressions, each with its case, and with bad and good versions."""
    cases = {case.full_name: case for case in (*all_cases(), SHARED_MODEL, ONE_AGENT)}
    document = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return tuple(
        Regression(
            each["title"],
            each["upstream"],
            cases[each["case"]],
            tuple(each["measures"]),
            bad=_side(*each["bad"]),
            good=_side(*each["good"]),
        )
        for each in document["regressions"]
    )


def _side(environment: str, instrumentor: str) -> RegressionSide:
    return RegressionSide(find_declared(environment), instrumentor)
