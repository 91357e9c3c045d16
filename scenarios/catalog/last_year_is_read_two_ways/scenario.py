"""A year can be read in two ways; the model asks which is meant, and its question is sent back.

Prices rose by one figure on average over the year, and by another from December to December. The
guardrail takes an answer without a figure for no answer, so the question never reaches the user.
The model picks one of the two readings, and the answer does not say which. Look at the first
judge_answer: it sends back a question that nobody has answered.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, number_between, one_of

QUESTION = "Which of the two do you mean"

SCENARIO = Scenario(
    failure_mode="FM-2.2 fail to ask for clarification",
    source="MAST, arXiv 2503.13657",
    workflow="workflows.search_agent:SearchAgent",
    task="By how much did consumer prices rise in ${land} last year? ${wish}",
    inputs={
        "land": one_of("France (FRA)"),
        "year": one_of("2024", "2023", "2022", "2021"),
        "average": number_between(1.1, 4.9, published=2.0, places=1),
        "december": number_between(5.1, 9.4, published=1.3, places=1),
        "wish": one_of("One sentence will do."),
    },
    services=("tavily",),
    broken=Variant("DemandsAFigure"),
    twin=Variant("DemandsAFigure").about(wish=one_of("Give every figure that you find.")),
    expect_broken=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="On average over"),
        expect.states_figures("searcher", at_least=1, at_most=1),
        expect.guardrail_sends_back("judge_answer", QUESTION),
        expect.output_lacks(QUESTION),
        expect.output_lacks("[Oo]n average|December"),
    ),
    expect_fixed=(
        expect.reaches_outcome("answered"),
        expect.calls_tool("searcher", "web_search", times=1, returning="On average over"),
        expect.states_figures("searcher", at_most=0),
        expect.output_contains(QUESTION),
    ),
    expect_twin=(
        expect.reaches_outcome("answered"),
        expect.states_figures("searcher", at_least=2),
        expect.cites_supporting_sources("searcher"),
        expect.output_contains(QUESTION),
    ),
    origin=FailureOrigin("searcher", "judge_answer", occurrence=0),
)
