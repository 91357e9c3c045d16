"""Runs of the hiring shortlist: what its models answer, and what goes wrong."""

from functools import partial

from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, call, calls, text
from tests.scenarios.traces.diagnoses.unseen.programs.hiring import Hiring


def delegate(coworker: str, task: str, context: str) -> Line:
    """A reply of the manager that delegates a task."""
    tool = "delegate_work_to_coworker"
    return call("manager", tool, task=task, context=context, coworker=coworker)


def read(*applicants: str) -> Line:
    return calls("screener", [("read_cv", {"applicant": one}) for one in applicants])


LIST = delegate("sourcer", "List the applicants for data engineer.", "We fill this post.")
SCREEN_TASK = "Read the CVs of A-17, A-22, A-31 and A-40."
SCREEN = delegate(
    "screener", f"{SCREEN_TASK} Who has five years and a work permit?", "Both are required."
)
SCREENED = (
    "A-17 Ada Novak has 9 years and a permit. A-22 Ben Ortiz has 4 years and a permit. A-31 Chen Li"
    " has 6 years and a permit. A-40 Dora Weiss has 8 years and no permit."
)
WRITE = delegate("writer", "Write the shortlist.", "Ada Novak, 9 years; Chen Li, 6 years.")
SHORTLIST = "Shortlist: Ada Novak, 9 years, with a permit. Chen Li, 6 years, with a permit."
HEALTHY: dict[str, tuple[Line, ...]] = {
    "manager": (LIST, SCREEN, WRITE, text("manager", SHORTLIST)),
    "sourcer": (
        call("sourcer", "list_applicants", post="data engineer"),
        text("sourcer", "A-17, A-22, A-31 and A-40 applied."),
    ),
    "screener": (read("A-17", "A-22", "A-31", "A-40"), text("screener", SCREENED)),
    "writer": (text("writer", SHORTLIST),),
}
SWAPPED = "Shortlist: Ben Ortiz, 9 years, with a permit. Chen Li, 6 years, with a permit."
ANY_PERMIT = "Shortlist: Ada Novak, 9 years. Chen Li, 6 years. Dora Weiss, 8 years."
PARTIAL = "Shortlist: Ada Novak, 9 years, with a permit. No other applicant qualifies."
case = partial(Case, "hiring shortlist (CrewAI)")
CASES = (
    case("goes well", Hiring().run, HEALTHY),
    case(
        "a CV is not ready, and is read again",
        Hiring(converting="A-31").run,
        HEALTHY
        | {
            "screener": (
                read("A-17", "A-22", "A-31", "A-40"),
                read("A-31"),
                text("screener", SCREENED),
            )
        },
    ),
    case(
        "the writer is to read the CVs",
        Hiring().run,
        HEALTHY
        | {
            "manager": (
                LIST,
                delegate("writer", f"{SCREEN_TASK} Who qualifies?", "Five years and a permit."),
                text(
                    "manager", "No shortlist can be written: the CVs of the four are not available."
                ),
            ),
            "screener": (),
            "writer": (
                text(
                    "writer",
                    "I have no access to CVs, so I can't say which of the four applicants qualify.",
                ),
            ),
        },
        (
            Truth(
                "the manager gives the screening to a coworker without the tool for it",
                ("manager",),
                (
                    Place("TOOL", '"writer"', "manager"),
                    Place("LLM", "writer", "manager"),
                    Place("HANDOFF", "manager → writer"),
                ),
                ("misrouted delegation",),
            ),
        ),
    ),
    case(
        "the years of two applicants are swapped",
        Hiring().run,
        HEALTHY
        | {
            "manager": (
                LIST,
                SCREEN,
                delegate("writer", "Write the shortlist.", "Ben Ortiz, 9 years; Chen Li, 6 years."),
                text("manager", SWAPPED),
            ),
            "screener": (
                read("A-17", "A-22", "A-31", "A-40"),
                text(
                    "screener",
                    "A-17 Ada Novak has 4 years and a permit. A-22 Ben Ortiz has 9 years and a"
                    " permit. A-31 Chen Li has 6 years and a permit. A-40 Dora Weiss has 8 years"
                    " and no permit.",
                ),
            ),
            "writer": (text("writer", SWAPPED),),
        },
        (
            Truth(
                "the values of two applicants are exchanged",
                ("screener",),
                (Place("LLM", "Ben Ortiz has 9", "screener"),),
                ("tool-output misreading",),
            ),
        ),
    ),
    case(
        "the permit is dropped from the delegated task",
        Hiring().run,
        HEALTHY
        | {
            "manager": (
                LIST,
                delegate(
                    "screener", f"{SCREEN_TASK} Who has five years?", "We need experienced people."
                ),
                delegate("writer", "Write the shortlist.", "Ada 9, Chen 6, Dora Weiss 8 years."),
                text("manager", ANY_PERMIT),
            ),
            "screener": (
                read("A-17", "A-22", "A-31", "A-40"),
                text(
                    "screener",
                    "A-17 Ada Novak has 9 years, A-22 Ben Ortiz 4, A-31 Chen Li 6, A-40 Dora Weiss"
                    " 8. Three of them have five years.",
                ),
            ),
            "writer": (text("writer", ANY_PERMIT),),
        },
        (
            Truth(
                "one of two requirements is missing from the delegated task",
                ("manager",),
                (
                    Place("LLM", "Who has five years?", "manager"),
                    Place("TOOL", "Who has five years?", "manager"),
                    Place("HANDOFF", "manager → screener"),
                ),
                ("information withholding", "context decay"),
            ),
        ),
    ),
    case(
        "two of four CVs are read, and all are said to be screened",
        Hiring().run,
        HEALTHY
        | {
            "manager": (
                LIST,
                SCREEN,
                delegate("writer", "Write the shortlist.", "Ada Novak, 9 years."),
                text("manager", PARTIAL),
            ),
            "screener": (
                read("A-17", "A-22"),
                text(
                    "screener",
                    "All four applicants are screened. Only A-17 Ada Novak qualifies, with 9 years"
                    " and a permit.",
                ),
            ),
            "writer": (text("writer", PARTIAL),),
        },
        (
            Truth(
                "the agent stops after half of its work, and claims all of it",
                ("screener",),
                (Place("LLM", "All four applicants are screened", "screener"),),
                ("no or incomplete verification", "premature termination"),
            ),
        ),
    ),
)
