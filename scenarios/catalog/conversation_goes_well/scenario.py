"""A healthy conversation: its third turn needs a fact from the first, and the prompt contains it.

It leaves three traces, joined by their session. There is no failure here, and a check for failures
must not find one: prompts that grow from turn to turn are the price of a memory.
"""

from scenarios import expectations as expect
from scenarios.scenario import Scenario, Variant, number_between, one_of

SCENARIO = Scenario(
    workflow="workflows.chat_stream:StreamedChat",
    task=(
        "We come to the harbour in the ${boat}, which draws ${draught} m.\n"
        "What is a draught?\n"
        "Write the line on our boat for the harbour's form."
    ),
    inputs={
        "boat": one_of("Petrel", "Curlew", "Sandpiper"),
        "draught": number_between(1.1, 2.4, published=1.4, places=1),
    },
    twin=Variant("SkippersChat"),
    expect_twin=(
        expect.is_one_session(turns=3, user="skipper"),
        expect.ends_with_status("OK"),
        expect.each_turn_reaches_outcome("answered"),
        expect.remembers_earlier_turns("assistant"),
        expect.output_contains(r"Name: \w+\. Draught: [\d.]+ m\."),
    ),
)
