"""The evaluation tasks: two scenarios each of the review flow, the crew and the search agent.

The expected facts name a scenario's inputs by placeholders, as its task does. They never write out
a figure that is an input.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvaluationTask:
    """A scenario whose broken and fixed runs are compared, and the facts of a right answer."""

    scenario: str
    expected_facts: str


TASKS = (
    EvaluationTask(
        "search_answers_without_searching",
        "${people} million people were counted in Croatia in the census of 2021.",
    ),
    EvaluationTask(
        "search_result_is_misread",
        "Consumer prices in France rose by ${average}% on average over 2023.",
    ),
    EvaluationTask(
        "check_is_never_run",
        "Consumer prices in France rose by ${value} per cent in ${year}, rounded to one place.",
    ),
    EvaluationTask(
        "quarterly_figure_becomes_annual",
        "${value} is the GDP of the USA in one quarter, ${quarter}; it is not a figure of a year.",
    ),
    EvaluationTask(
        "summarizer_never_sees_the_draft",
        "Mars Climate Orbiter was aimed at 226 km and came down to 57 km. Both the text and its"
        " summary say so.",
    ),
    EvaluationTask(
        "reviewer_says_cannot_approve",
        "Mars Climate Orbiter was aimed at 226 km and came down to 57 km. Both the text and its"
        " summary say so.",
    ),
)

CONVERSATION_SCENARIO = "conversation_goes_well"
"""The scenario whose session is judged as a whole."""
