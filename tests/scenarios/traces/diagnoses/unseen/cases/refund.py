"""Runs of the refund service: what its models answer, and what goes wrong."""

from functools import partial

from scenarios.replay.faults import unavailable
from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, call, text
from tests.scenarios.traces.diagnoses.unseen.programs.refund import (
    ForgetsThePolicy,
    PaymentsDecline,
    RefundService,
)

KETTLE = "The kettle of my order 10-443 broke after a week. I want my money back."
TELEVISION = "The television of my order 10-434 has a dead pixel. I want my money back."
HEADPHONES = "My headphones do not work. I want my money back."
FIND = call("support", "find_order", "I look up order 10-443.", order="10-443")
READ = call("support", "read_policy", topic="refunds")
REFUND = call("support", "refund", order="10-443")
PAID = text("support", "We are sorry. The 59 EUR of order 10-443, a kettle, are refunded.")
GOOD = (text("auditor", "Polite and complete."),)
HEALTHY: dict[str, tuple[Line, ...]] = {"support": (FIND, READ, REFUND, PAID), "auditor": GOOD}
WRONG_CALL = call("support", "find_order", "I look up order 10-443.", order="10-434")
FIND_TELEVISION = call("support", "find_order", "I look up order 10-434.", order="10-434")
REFUND_TELEVISION = call("support", "refund", order="10-434")
WRONG_ORDER = Truth(
    "the call asks for another order than the text beside it",
    ("support",),
    (Place("LLM", "I look up order 10-443.", "support"), Place("TOOL", "find_order", "support")),
    ("reasoning-action mismatch",),
)
DECLINED = Truth(
    "the refund is declined, and the customer reads that it was made",
    ("support",),
    (Place("TOOL", "declined", "support"), Place("LLM", "are refunded", "support")),
    ("swallowed tool error",),
)
case = partial(Case, "refund service (openai)")
CASES = (
    case("goes well", RefundService(KETTLE).run, HEALTHY),
    case(
        "the endpoint is unavailable once",
        RefundService(KETTLE).run,
        HEALTHY,
        outages=(unavailable("support", call=2),),
    ),
    case(
        "more than the limit is refused until a supervisor approves",
        RefundService(TELEVISION).run,
        {
            "support": (
                FIND_TELEVISION,
                READ,
                text(
                    "support",
                    "The television of order 10-434 was 459 EUR. More than 100 EUR needs the"
                    " approval of a supervisor, whom I have not reached yet.",
                ),
            ),
            "auditor": GOOD,
        },
    ),
    case(
        "the agent names one order and looks up another",
        RefundService(KETTLE).run,
        {
            "support": (
                WRONG_CALL,
                READ,
                text("support", "The 459 EUR of your television need a supervisor's approval."),
            ),
            "auditor": GOOD,
        },
        (WRONG_ORDER,),
    ),
    case(
        "a declined refund is reported as made",
        PaymentsDecline(KETTLE).run,
        HEALTHY,
        (DECLINED,),
    ),
    case(
        "the policy is no longer in the prompt",
        ForgetsThePolicy(TELEVISION).run,
        {
            "support": (
                READ,
                FIND_TELEVISION,
                REFUND_TELEVISION,
                text("support", "The 459 EUR of order 10-434, a television, are refunded."),
            ),
            "auditor": GOOD,
        },
        (
            Truth(
                "a prohibition that was read is cut from the history, and then broken",
                ("support",),
                (
                    Place("LLM", "10-434", "support"),
                    Place("TOOL", "paid out", "support"),
                    Place("TOOL", "read_policy", "support"),
                ),
                ("context decay",),
            ),
        ),
    ),
    case(
        "two orders fit, and the agent takes the first",
        RefundService(HEADPHONES).run,
        {
            "support": (
                call("support", "find_orders_of", item="headphones"),
                READ,
                call("support", "refund", order="10-551"),
                text("support", "We are sorry. The 39 EUR of your headphones are refunded."),
            ),
            "auditor": GOOD,
        },
        (
            Truth(
                "the request fits two orders, and the agent does not ask which",
                ("support",),
                (
                    Place("LLM", "10-551", "support"),
                    Place("TOOL", "paid out", "support"),
                    Place("TOOL", "find_orders_of", "support"),
                    Place("LLM", "39 EUR", "support"),
                ),
                ("clarification not asked",),
            ),
        ),
    ),
    case(
        "combined: the wrong order is looked up, and a declined refund reported as made",
        PaymentsDecline(KETTLE).run,
        {
            "support": (
                WRONG_CALL,
                READ,
                REFUND_TELEVISION,
                text("support", "We are sorry. The 459 EUR of your television are refunded."),
            ),
            "auditor": GOOD,
        },
        (WRONG_ORDER, DECLINED),
    ),
)
