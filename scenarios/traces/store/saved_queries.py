"""Saved queries over stored traces, in the language of MLflow's `filter_string`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.session import SESSION_KEY, USER_KEY
from instrumentation.trace.wording import suggest

NEWEST_FIRST, SLOWEST_FIRST = "timestamp_ms DESC", "execution_time_ms DESC"
COST_KEY = "mlflow.trace.cost"
TOKENS_KEY = "mlflow.trace.tokenUsage"


class SavedQueryError(Exception):
    """The query is unknown, or its value is missing or invalid."""


@dataclass(frozen=True)
class SavedQuery:
    """A named filter, perhaps with one value.

    Attributes:
        filter: MLflow's `filter_string`, with `{}` in place of the value.
        argument: The kind of value that the query takes: NAME, SECONDS, TEXT, or empty for none.
        default: The value if none is given.
        order: MLflow's `order_by`.
        rank_by: Sorts by a figure that MLflow cannot sort by.
    """

    name: str
    description: str
    filter: str = ""
    argument: str = ""
    default: str = ""
    order: str = NEWEST_FIRST
    rank_by: Callable[[Any], float] | None = None

    def build_filter(self, value: str) -> str:
        """The `filter_string` with this value. Raises SavedQueryError for a wrong value."""
        chosen = value or self.default
        if bool(chosen) != bool(self.argument):
            expected = f"takes a {self.argument}" if self.argument else "takes no value"
            raise SavedQueryError(f"{self.name} {expected}; got {value!r}")
        return (
            self.filter.format(FORMATTERS[self.argument](chosen)) if self.argument else self.filter
        )


def find_query(name: str) -> SavedQuery:
    """The saved query of this name. Raises SavedQueryError with the nearest names."""
    known = {query.name: query for query in QUERIES}
    if name not in known:
        hint = suggest(name, known, otherwise=f"; saved queries: {', '.join(known)}")
        raise SavedQueryError(f"no saved query is named {name!r}{hint}")
    return known[name]


def equals_clause(name: str) -> str:
    """`= '…'` for a name.

    MLflow's filters have two kinds of quotes and no escape. For a name with both, a LIKE clause
    allows any character in place of each `'`, `%` and backslash.
    """
    for quote in "'\"":
        if quote not in name:
            return f"= {quote}{name}{quote}"
    wild = re.sub(r"['%\\]", "_", name)
    return f"LIKE '{wild}'"


def contains_clause(text: str) -> str:
    """`ILIKE '%…%'` for a text inside a span.

    Spans are stored as JSON: the clause allows any text in place of what JSON would escape.
    """
    plain = re.sub(r"[^ -~]|['\"\\]", "%", text)
    return f"ILIKE '%{plain}%'"


def seconds_to_ms(seconds: str) -> str:
    """A number of seconds in milliseconds, MLflow's unit. Raises SavedQueryError for no number."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", seconds):
        raise SavedQueryError(f"SECONDS must be a number, e.g. 10 or 0.5; got {seconds!r}")
    return f"{float(seconds) * 1000:.0f}"


FORMATTERS: Mapping[str, Callable[[str], str]] = {
    "NAME": equals_clause,
    "TEXT": contains_clause,
    "SECONDS": seconds_to_ms,
}
"""How the value of each kind is written in a filter."""


def cost_usd(info: Any) -> float:
    """The cost of a trace, by MLflow's price list."""
    return float((info.cost or {}).get("total_cost", 0.0))


def total_tokens(info: Any) -> float:
    """The tokens that a trace used."""
    return float((info.token_usage or {}).get("total_tokens", 0))


QUERIES = (
    SavedQuery("failed", "runs that failed, or have not ended", "trace.status != 'OK'"),
    SavedQuery(
        "slow",
        "runs that took at least so long, slowest first",
        "trace.execution_time_ms >= {}",
        "SECONDS",
        "10",
        SLOWEST_FIRST,
    ),
    SavedQuery(
        "costly",
        "runs by cost, most expensive first",
        f"metadata.`{COST_KEY}` IS NOT NULL",
        rank_by=cost_usd,
    ),
    SavedQuery(
        "large",
        "runs by tokens used, most first",
        f"metadata.`{TOKENS_KEY}` IS NOT NULL",
        rank_by=total_tokens,
    ),
    SavedQuery(
        "agent",
        "runs in which an agent took a turn",
        "span.type = 'AGENT' AND span.name {}",
        "NAME",
    ),
    SavedQuery(
        "tool", "runs in which a tool was called", "span.type = 'TOOL' AND span.name {}", "NAME"
    ),
    SavedQuery(
        "tool-errors",
        "runs in which a tool call failed, even if the run succeeded",
        "span.type = 'TOOL' AND span.status = 'ERROR'",
    ),
    SavedQuery("workflow", "runs of a workflow", "trace.name {}", "NAME"),
    SavedQuery("session", "turns of a session", f"metadata.`{SESSION_KEY}` {{}}", "NAME"),
    SavedQuery("user", "runs for a user", f"metadata.`{USER_KEY}` {{}}", "NAME"),
    SavedQuery("text", "runs with a text in one of their spans", "trace.text {}", "TEXT"),
    SavedQuery("all", "all runs"),
)
