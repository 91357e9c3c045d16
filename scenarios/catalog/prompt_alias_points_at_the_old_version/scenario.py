"""A prompt is released, but the alias that the program loads still names the version before it.

The registry has both versions, the release says which one is new, and no call fails. The program
asks for the alias, and gets what it got yesterday: the complaint that the new prompt was written
for comes again. Look at load_prompt: the version that was loaded is not the one that was released.
In the twin the old version is loaded as well, and rightly so: the release was a rollback.
"""

from scenarios import expectations as expect
from scenarios.scenario import FailureOrigin, Scenario, Variant, one_of

SCENARIO = Scenario(
    failure_mode="stale prompt",
    source="practitioners' reports",
    workflow="workflows.lifecycle.released_chat:ReleasedChat",
    task="release: Answer in one word.\nrelease: Answer in one word, with its article.\n${rollback}"
    "What is the French word for anchor?",
    inputs={"rollback": one_of("")},
    broken=Variant("MovesTheAliasOnce"),
    twin=Variant().about(rollback=one_of("release: Answer in one word.\n")),
    expect_broken=(
        expect.ends_with_status("OK"),
        expect.loads_old_prompt("assistant"),
        expect.no_prompt_contains("assistant", "with its article"),
        expect.output_contains("Ancre"),
    ),
    expect_fixed=(
        expect.ends_with_status("OK"),
        expect.loads_released_prompt("assistant"),
        expect.every_prompt_contains("assistant", "with its article"),
        expect.output_contains("L'ancre"),
    ),
    expect_twin=(
        expect.ends_with_status("OK"),
        expect.loads_released_prompt("assistant"),
        expect.no_prompt_contains("assistant", "with its article"),
        expect.output_contains("Ancre"),
    ),
    origin=FailureOrigin("assistant", "load_prompt"),
)
