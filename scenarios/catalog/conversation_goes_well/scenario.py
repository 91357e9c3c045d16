"""A healthy conversation: its third turn needs what was said in the first, and is told it.

Three traces, joined by their session. There is nothing to find here, and whatever looks for a
failure must find nothing: that the prompt grows from turn to turn is the price of a memory.
"""

from scenarios.expectations import ends, output_keeps
from scenarios.expectations.sessions import each_turn_concludes, is_one_session, remembers
from scenarios.inputs import between, one_of
from scenarios.scenario import Scenario, given

SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.chat_stream:converse",
    task=(
        "We come to the harbour in the ${boat}, which draws ${draught} m.\n"
        "What is a draught?\n"
        "Write the line on our boat for the harbour's form."
    ),
    inputs={
        "boat": one_of("Petrel", "Curlew", "Sandpiper"),
        "draught": between(1.1, 2.4, published=1.4, places=1),
    },
    twin=given(user="skipper"),
    expect_twin=(
        is_one_session(turns=3, of="skipper"),
        ends("OK"),
        each_turn_concludes("answered"),
        remembers("assistant"),
        output_keeps(r"Name: \w+\. Draught: [\d.]+ m\."),
    ),
)
