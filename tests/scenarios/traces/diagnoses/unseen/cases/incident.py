"""Runs of the incident triage: what its models answer, and what goes wrong."""

from functools import partial

from tests.scenarios.traces.diagnoses.unseen.case import Case, Line, Place, Truth, call, text
from tests.scenarios.traces.diagnoses.unseen.programs.incident import POOL_LOG, Triage

WATCHER = "watcher"
LATENCY = call(WATCHER, "query_metric", service="checkout", metric="latency_p99")
LOG = call(WATCHER, "read_log", service="payments")
SIGNALS = text(
    WATCHER,
    "The 99th percentile of checkout's latency is 2,300 ms. The log of payments says that its"
    " connection pool is exhausted, 50 of 50 in use.",
)
CAUSE = text("analyst", "Payments has no free connection: all 50 of its pool are in use.")
HEALTHY: dict[str, tuple[Line, ...]] = {
    WATCHER: (LATENCY, LOG, SIGNALS),
    "analyst": (CAUSE,),
    "commander": (
        text(
            "commander",
            "Checkout is slow: its latency is 2,300 ms, because payments uses all 50 connections"
            " of its pool.",
        ),
    ),
}
REFUSED = "error: connection refused by logs.internal:9428"
NOTHING_UNUSUAL = text(
    WATCHER,
    "The 99th percentile of checkout's latency is 2,300 ms. The log of payments shows nothing"
    " unusual.",
)
SWALLOWED = Truth(
    "the log cannot be read, and the agent reports that it shows nothing unusual",
    (WATCHER,),
    (Place("LLM", "nothing unusual", WATCHER), Place("TOOL", "read_log", WATCHER)),
    ("swallowed tool error", "invented values"),
)
SECONDS = text("analyst", "Checkout waits 2,300 seconds for its database, which is overloaded.")
WRONG_UNIT = Truth(
    "milliseconds become seconds",
    ("analyst",),
    (Place("LLM", "2,300 seconds", "analyst"),),
    ("tool-output misreading",),
)
CALM = text("analyst", "Payments is fine. Checkout's database is overloaded.")
case = partial(Case, "incident triage (CrewAI)")
CASES = (
    case("goes well", Triage().run, HEALTHY),
    case(
        "the log times out, and is read again",
        Triage("error: timeout after 5 s, try again", POOL_LOG).run,
        HEALTHY | {WATCHER: (LATENCY, LOG, LOG, SIGNALS)},
    ),
    case(
        "a metric is polled until it is back to normal",
        Triage("14:19 payments INFO pool resized to 80", latency_ms=(2300, 1100, 240)).run,
        {
            WATCHER: (
                *(LATENCY,) * 3,
                LOG,
                text(
                    WATCHER,
                    "Latency fell from 2,300 ms over 1,100 ms to 240 ms. The log of payments says"
                    " that its pool was resized to 80.",
                ),
            ),
            "analyst": (text("analyst", "The pool of payments was too small; it is 80 now."),),
            "commander": (text("commander", "Resolved: latency is 240 ms again."),),
        },
    ),
    case(
        "the log cannot be read, and is reported as quiet",
        Triage(REFUSED).run,
        {
            WATCHER: (LATENCY, LOG, NOTHING_UNUSUAL),
            "analyst": (CALM,),
            "commander": (
                text(
                    "commander",
                    "Checkout is slow, at 2,300 ms. Its database is overloaded; payments is fine.",
                ),
            ),
        },
        (SWALLOWED,),
    ),
    case(
        "the same metric is queried again and again",
        Triage().run,
        HEALTHY | {WATCHER: (*(LATENCY,) * 4, LOG, SIGNALS)},
        (
            Truth(
                "the same call is made four times, with the same result",
                (WATCHER,),
                (
                    Place("TOOL", "query_metric", WATCHER),
                    Place("LLM", "query_metric", WATCHER),
                ),
                ("step repetition",),
            ),
        ),
    ),
    case(
        "milliseconds become seconds",
        Triage().run,
        HEALTHY
        | {
            "analyst": (SECONDS,),
            "commander": (
                text("commander", "Checkout hangs for 2,300 seconds: its database is overloaded."),
            ),
        },
        (WRONG_UNIT,),
    ),
    case(
        "two sources disagree, and one is left out",
        Triage("14:05 payments ERROR 31 percent of requests failed in the last minute").run,
        {
            WATCHER: (
                call(WATCHER, "query_metric", service="payments", metric="error_rate"),
                LOG,
                text(WATCHER, "Payments is healthy: 2 percent of its requests fail."),
            ),
            "analyst": (text("analyst", "Payments is healthy, so the network is to blame."),),
            "commander": (
                text("commander", "Payments is healthy, at 2 percent of errors. We check cables."),
            ),
        },
        (
            Truth(
                "the log contradicts the metric, and the report has only the metric",
                (WATCHER,),
                (Place("LLM", "Payments is healthy", WATCHER),),
                ("information withholding", "tool-output misreading"),
            ),
        ),
    ),
    case(
        "combined: the log is unreadable, and milliseconds become seconds",
        Triage(REFUSED).run,
        {
            WATCHER: (LATENCY, LOG, NOTHING_UNUSUAL),
            "analyst": (SECONDS,),
            "commander": (
                text("commander", "Checkout hangs for 2,300 seconds: its database is overloaded."),
            ),
        },
        (SWALLOWED, WRONG_UNIT),
    ),
)
