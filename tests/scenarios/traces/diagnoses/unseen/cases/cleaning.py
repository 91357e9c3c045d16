"""Runs of the data cleaning: what its models answer, and what goes wrong."""

from functools import partial

from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, call, text
from tests.scenarios.traces.diagnoses.unseen.programs.cleaning import (
    Cleaning,
    LosesTheFormatter,
    Table,
)

PROFILE = call("profiler", "profile_table", table="orders")
DEDUPLICATE = call("deduplicator", "drop_duplicates", table="orders")
CHECK = call("checker", "profile_table", table="orders")
FIX = call("formatter", "fix_dates", table="orders")
HEALTHY: dict[str, tuple[Line, ...]] = {
    "profiler": (
        PROFILE,
        text("profiler", "orders has 4,120 rows, 75 duplicates, and 31 dates in other formats."),
    ),
    "deduplicator": (
        DEDUPLICATE,
        text("deduplicator", "75 duplicate rows are removed; 4,045 are left."),
    ),
    "formatter": (FIX, text("formatter", "31 dates are rewritten as ISO 8601.")),
    "checker": (
        CHECK,
        text("checker", "Checked: 4,045 rows, no duplicates, all dates are ISO 8601."),
    ),
}
KEPT = (
    FIX,
    text("formatter", "29 dates are rewritten. Two could be day or month first: ask the owner."),
)
UNCHECKED = (
    text("checker", "I have verified the table: 4,045 rows, no duplicates, all dates ISO 8601."),
)
NO_CHECK = Truth(
    "the checker says that it has verified the table, and calls no tool",
    ("checker",),
    (Place("LLM", "I have verified", "checker"), Place("AGENT", "I have verified", "checker")),
    ("no or incomplete verification", "invented values"),
)
LOST_BRANCH = Truth(
    "the result of one branch does not reach the agent that joins them",
    ("formatter", "checker"),
    (Place("HANDOFF", "formatter → checker"),),
    ("information withholding",),
)
case = partial(Case, "data cleaning (AutoGen)")
CASES = (
    case("goes well", Cleaning().run, HEALTHY),
    case(
        "the table is locked, and the call is made again",
        Cleaning(partial(Table, locked=True)).run,
        HEALTHY | {"formatter": (FIX, *HEALTHY["formatter"])},
    ),
    case(
        "the checker claims a check that it did not make",
        Cleaning().run,
        HEALTHY | {"checker": UNCHECKED},
        (NO_CHECK,),
    ),
    case(
        "a job that is running counts as done",
        Cleaning(partial(Table, in_background=True)).run,
        HEALTHY
        | {
            "deduplicator": (
                DEDUPLICATE,
                text("deduplicator", "The duplicate rows of orders are removed."),
            ),
            "checker": (
                text(
                    "checker",
                    "orders had 4,120 rows. Its duplicates are removed, and 31 dates rewritten.",
                ),
            ),
        },
        (
            Truth(
                "the tool says that its job is running, and the agent that it is done",
                ("deduplicator",),
                (
                    Place("TOOL", "drop_duplicates", "deduplicator"),
                    Place("LLM", "are removed", "deduplicator"),
                ),
                ("silent stall",),
            ),
        ),
    ),
    case(
        "a branch is lost at the join",
        LosesTheFormatter().run,
        HEALTHY | {"formatter": KEPT},
        (LOST_BRANCH,),
    ),
    case(
        "rows are removed that nobody asked to remove",
        Cleaning().run,
        HEALTHY
        | {
            "deduplicator": (
                DEDUPLICATE,
                call("deduplicator", "drop_rows", table="orders", where="amount > 10000"),
                text(
                    "deduplicator",
                    "75 duplicate rows and 212 rows with large amounts are removed; 3,833 stay.",
                ),
            ),
            "checker": (
                CHECK,
                text("checker", "Checked: 3,833 rows, no duplicates, all dates are ISO 8601."),
            ),
        },
        (
            Truth(
                "the agent changes what the task forbids to change",
                ("deduplicator",),
                (
                    Place("LLM", "drop_rows", "deduplicator"),
                    Place("TOOL", "drop_rows", "deduplicator"),
                ),
                ("task derailment",),
            ),
        ),
    ),
    case(
        "combined: a branch is lost at the join, and nothing is checked",
        LosesTheFormatter().run,
        HEALTHY | {"formatter": KEPT, "checker": UNCHECKED},
        (LOST_BRANCH, NO_CHECK),
    ),
)
