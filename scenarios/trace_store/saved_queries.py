"""A saved query: what a person on call looks for, in the language of MLflow's searches."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from instrumentation.trace.session import SESSION, USER

NEWEST, SLOWEST = "timestamp_ms DESC", "execution_time_ms DESC"
COST = "mlflow.trace.cost"
TOKENS = "mlflow.trace.tokenUsage"


class NoQuery(Exception):
    """Raised when a query has another name, or takes another word."""


@dataclass(frozen=True)
class Query:
    """`filter` is MLflow's, with `{}` in place of what the query `takes`: a NAME, SECONDS or a
    TEXT. `unsaid` is taken where nothing is said. `weighs` orders what MLflow cannot order."""

    name: str
    says: str
    filter: str = ""
    takes: str = ""
    unsaid: str = ""
    order: str = NEWEST
    weighs: Callable[[Any], float] | None = None

    def asks(self, said: str) -> str:
        """The filter with what was said. Raises `NoQuery` where that is missing, or too much."""
        word = said or self.unsaid
        if bool(word) != bool(self.takes):
            takes = f"takes a {self.takes}" if self.takes else "takes no word more"
            raise NoQuery(f"{self.name} {takes}; not {said!r}")
        return self.filter.format(WORDS[self.takes](word)) if self.takes else self.filter


def matched(name: str) -> str:
    """`= '…'` of a name. MLflow's searches have two kinds of quotes and no escape: of a name that
    has both, any character may stand in place of a `'`, or of what `LIKE` takes for something."""
    for quote in "'\"":
        if quote not in name:
            return f"= {quote}{name}{quote}"
    wild = re.sub(r"['%\\]", "_", name)
    return f"LIKE '{wild}'"


def held(text: str) -> str:
    """`ILIKE '%…%'` of a text inside a span. A span is stored as JSON: of what JSON or the search
    would spell otherwise, any text may stand in place."""
    plain = re.sub(r"[^ -~]|['\"\\]", "%", text)
    return f"ILIKE '%{plain}%'"


def in_ms(seconds: str) -> str:
    """Seconds in the milliseconds by which MLflow counts. Raises `NoQuery`."""
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", seconds):
        raise NoQuery(f"SECONDS are a number, as 10 or 0.5; not {seconds!r}")
    return f"{float(seconds) * 1000:.0f}"


WORDS: Mapping[str, Callable[[str], str]] = {"NAME": matched, "TEXT": held, "SECONDS": in_ms}


def cost_usd(info: Any) -> float:
    """What a trace cost, by MLflow's list of prices."""
    return float((info.cost or {}).get("total_cost", 0.0))


def tokens(info: Any) -> float:
    """The tokens that a trace used."""
    return float((info.token_usage or {}).get("total_tokens", 0))


QUERIES = (
    Query("failed", "runs that ended in an error", "trace.status = 'ERROR'"),
    Query(
        "slow",
        "runs that took so long or longer, the longest first",
        "trace.execution_time_ms >= {}",
        "SECONDS",
        "10",
        SLOWEST,
    ),
    Query(
        "costly",
        "runs by what they cost, the dearest first",
        f"metadata.`{COST}` IS NOT NULL",
        weighs=cost_usd,
    ),
    Query(
        "large",
        "runs by the tokens that they used, the most first",
        f"metadata.`{TOKENS}` IS NOT NULL",
        weighs=tokens,
    ),
    Query(
        "agent",
        "runs in which an agent took a turn",
        "span.type = 'AGENT' AND span.name {}",
        "NAME",
    ),
    Query("tool", "runs in which a tool was called", "span.type = 'TOOL' AND span.name {}", "NAME"),
    Query(
        "tool-errors",
        "runs in which a call of a tool failed, whether or not they did",
        "span.type = 'TOOL' AND span.status = 'ERROR'",
    ),
    Query("workflow", "runs of a workflow", "trace.name {}", "NAME"),
    Query("session", "the turns of a conversation", f"metadata.`{SESSION}` {{}}", "NAME"),
    Query("user", "runs for a user", f"metadata.`{USER}` {{}}", "NAME"),
    Query("text", "runs in a span of which a text stands", "trace.text {}", "TEXT"),
    Query("all", "all runs"),
)


def named(name: str) -> Query:
    """The saved query of this name. Raises `NoQuery`, naming the nearest."""
    known = {query.name: query for query in QUERIES}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise NoQuery(f"no saved query is named {name!r}; {hint}")
    return known[name]
