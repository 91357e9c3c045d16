"""A saved query: what a person on call looks for, in the language of MLflow's searches."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from instrumentation.trace.session import SESSION_KEY, USER_KEY

NEWEST, SLOWEST = "timestamp_ms DESC", "execution_time_ms DESC"
COST_KEY = "mlflow.trace.cost"
TOKENS_KEY = "mlflow.trace.tokenUsage"


class SavedQueryError(Exception):
    """Raised when a query has another name, or takes another word."""


@dataclass(frozen=True)
class SavedQuery:
    """`filter` is MLflow's, with `{}` in place of what the query `takes`: a NAME, SECONDS or a
    TEXT. `unsaid` is taken where nothing is said. `weighs` orders what MLflow cannot order."""

    name: str
    description: str
    filter: str = ""
    argument: str = ""
    default: str = ""
    order: str = NEWEST
    rank_by: Callable[[Any], float] | None = None

    def build_filter(self, value: str) -> str:
        """The filter with what was said. Raises `NoQuery` where that is missing, or too much."""
        word = value or self.default
        if bool(word) != bool(self.argument):
            takes = f"takes a {self.argument}" if self.argument else "takes no word more"
            raise SavedQueryError(f"{self.name} {takes}; not {value!r}")
        return self.filter.format(FORMATTERS[self.argument](word)) if self.argument else self.filter


def equals_clause(name: str) -> str:
    """`= '…'` of a name. MLflow's searches have two kinds of quotes and no escape: of a name that
    has both, any character may stand in place of a `'`, or of what `LIKE` takes for something."""
    for quote in "'\"":
        if quote not in name:
            return f"= {quote}{name}{quote}"
    wild = re.sub(r"['%\\]", "_", name)
    return f"LIKE '{wild}'"


def contains_clause(text: str) -> str:
    """`ILIKE '%…%'` of a text inside a span. A span is stored as JSON: of what JSON or the search
    would spell otherwise, any text may stand in place."""
    plain = re.sub(r"[^ -~]|['\"\\]", "%", text)
    return f"ILIKE '%{plain}%'"


def seconds_to_ms(seconds: str) -> str:
    """Seconds in the milliseconds by which MLflow counts. Raises `NoQuery`."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", seconds):
        raise SavedQueryError(f"SECONDS are a number, as 10 or 0.5; not {seconds!r}")
    return f"{float(seconds) * 1000:.0f}"


FORMATTERS: Mapping[str, Callable[[str], str]] = {
    "NAME": equals_clause,
    "TEXT": contains_clause,
    "SECONDS": seconds_to_ms,
}


def cost_usd(info: Any) -> float:
    """What a trace cost, by MLflow's list of prices."""
    return float((info.cost or {}).get("total_cost", 0.0))


def total_tokens(info: Any) -> float:
    """The tokens that a trace used."""
    return float((info.token_usage or {}).get("total_tokens", 0))


QUERIES = (
    SavedQuery("failed", "runs that ended in an error", "trace.status = 'ERROR'"),
    SavedQuery(
        "slow",
        "runs that took so long or longer, the longest first",
        "trace.execution_time_ms >= {}",
        "SECONDS",
        "10",
        SLOWEST,
    ),
    SavedQuery(
        "costly",
        "runs by what they cost, the dearest first",
        f"metadata.`{COST_KEY}` IS NOT NULL",
        rank_by=cost_usd,
    ),
    SavedQuery(
        "large",
        "runs by the tokens that they used, the most first",
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
        "runs in which a call of a tool failed, whether or not they did",
        "span.type = 'TOOL' AND span.status = 'ERROR'",
    ),
    SavedQuery("workflow", "runs of a workflow", "trace.name {}", "NAME"),
    SavedQuery("session", "the turns of a conversation", f"metadata.`{SESSION_KEY}` {{}}", "NAME"),
    SavedQuery("user", "runs for a user", f"metadata.`{USER_KEY}` {{}}", "NAME"),
    SavedQuery("text", "runs in a span of which a text stands", "trace.text {}", "TEXT"),
    SavedQuery("all", "all runs"),
)


def find_query(name: str) -> SavedQuery:
    """The saved query of this name. Raises `NoQuery`, naming the nearest."""
    known = {query.name: query for query in QUERIES}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise SavedQueryError(f"no saved query is named {name!r}; {hint}")
    return known[name]
