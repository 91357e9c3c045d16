"""Runs of the contract review: what its models answer, and what goes wrong."""

from functools import partial

from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, text
from tests.scenarios.traces.diagnoses.unseen.programs.contract import (
    ContractReview,
    FilesTheVerdict,
    FilesWithoutApproval,
    LooksForTheWord,
)

DRAFT = (
    "Either party may end this contract with 90 days' notice in writing. It does not renew"
    " automatically. Damages are capped at 250,000 EUR in all."
)
SHORT = (
    "Either party may end this contract with 90 days' notice in writing. It does not renew"
    " automatically."
)
APPROVAL = text("counsel", "APPROVED. The clause says all that was requested.")
OBJECTION = text("counsel", "I cannot approve this: the cap on damages is missing.")
FILED = text(
    "clerk",
    "FILED. Notice of 90 days in writing, no automatic renewal, damages of at most 250,000 EUR.",
    "capped at 250,000",
)
FILED_SHORT = text(
    "clerk", "FILED. Notice of 90 days in writing, no automatic renewal.", "90 days' notice"
)
FILED_VERDICT = text("clerk", "FILED. Counsel has reviewed the clause.")
HEALTHY: dict[str, tuple[Line, ...]] = {
    "drafter": (text("drafter", DRAFT),),
    "counsel": (APPROVAL,),
    "clerk": (FILED, FILED_VERDICT),
}
OVERRULED = Truth(
    "counsel objects, and the program takes it for approval",
    ("counsel", "clerk"),
    (Place("HANDOFF", "counsel → clerk"),),
    ("premature termination", "unaware of termination conditions"),
)
LOST_DRAFT = Truth(
    "the clerk does not get the text that it is to summarize",
    ("drafter", "clerk"),
    (Place("HANDOFF", "drafter → clerk"),),
    ("information withholding",),
)
case = partial(Case, "contract review (AutoGen)")
CASES = (
    case("goes well", ContractReview().run, HEALTHY),
    case(
        "counsel rejects, then approves",
        ContractReview().run,
        HEALTHY
        | {
            "drafter": (text("drafter", SHORT), text("drafter", DRAFT)),
            "counsel": (OBJECTION, APPROVAL),
        },
    ),
    case(
        "an objection counts as approval",
        LooksForTheWord().run,
        {
            "drafter": (text("drafter", SHORT), text("drafter", DRAFT)),
            "counsel": (OBJECTION, APPROVAL),
            "clerk": (FILED, FILED_SHORT),
        },
        (OVERRULED,),
    ),
    case("the clerk does not get the draft", FilesTheVerdict().run, HEALTHY, (LOST_DRAFT,)),
    case(
        "the drafter repeats its draft against the objection",
        ContractReview().run,
        HEALTHY | {"drafter": (text("drafter", SHORT),) * 3, "counsel": (OBJECTION,) * 3},
        (
            Truth(
                "the drafter has read the objection, and writes the same text again",
                ("drafter",),
                (
                    Place("LLM", "Either party", "drafter"),
                    Place("AGENT", "Either party", "drafter"),
                    Place("HANDOFF", "counsel → drafter"),
                ),
                ("ignored other agent's input", "step repetition"),
            ),
        ),
    ),
    case(
        "days become working days",
        ContractReview().run,
        HEALTHY
        | {
            "clerk": (
                text(
                    "clerk",
                    "FILED. Notice of 90 working days in writing, no automatic renewal, damages of"
                    " at most 250,000 EUR per year.",
                ),
            )
        },
        (
            Truth(
                "the summary changes units: days to working days, in all to per year",
                ("clerk",),
                (Place("LLM", "90 working days", "clerk"),),
                ("tool-output misreading",),
            ),
        ),
    ),
    case(
        "combined: the objection counts as approval, and the clerk gets no draft",
        FilesWithoutApproval().run,
        {
            "drafter": (text("drafter", SHORT),),
            "counsel": (OBJECTION,),
            "clerk": (FILED_VERDICT,),
        },
        (OVERRULED, LOST_DRAFT),
    ),
)
