"""A user rates the first answer after the second has arrived, and the second one gets the blame.

The thumb, the comment and the label are logged on the newest turn. Nothing fails: the dataset that
is made of low ratings now says that a right answer is wrong, and the wrong one is never corrected.
Look at triage: the rated answer in its prompt is not the one that the complaint is about.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, one_of

SCENARIO = Scenario(
    failure_mode="misattributed feedback",
    source="practitioners' reports",
    workflow="workflows.lifecycle.rated_chat:RatedChat",
    task="What is the French word for anchor?\nAnd for sail?\n${rating}",
    inputs={"rating": one_of("👎 1 That is German.")},
    broken=Variant("RatesTheNewestTurn"),
    twin=Variant().about(rating=one_of("👎 2 Without its article we cannot learn it.")),
    expect_broken=(
        expect.ends_with_status("OK"),
        expect.every_prompt_contains("triage", "Complaint: That is German"),
        expect.every_prompt_contains("triage", "Rated answer: Voile"),
        expect.no_prompt_contains("triage", "Rated answer: Anker"),
        expect.output_contains('"answer": "Voile'),
    ),
    expect_fixed=(
        expect.ends_with_status("OK"),
        expect.every_prompt_contains("triage", "Complaint: That is German"),
        expect.every_prompt_contains("triage", "Rated answer: Anker"),
        expect.output_contains('"answer": "Anker'),
        expect.output_contains("ancre"),
    ),
    expect_twin=(
        expect.ends_with_status("OK"),
        expect.every_prompt_contains("triage", "Rated answer: Voile"),
        expect.output_contains('"answer": "Voile'),
        expect.output_contains("la voile"),
    ),
    origin=FailureOrigin("triage", "chat_completion"),
)
