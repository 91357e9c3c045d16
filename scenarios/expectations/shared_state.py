"""An expectation of notes: what stands in a shared state at the end, and who wrote over whom."""

from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import list_agents


def overwrites_unread(author: str, key: str, *, written_by: tuple[str, ...]) -> Expectation:
    """The author writes over what these had written there and it had not read, and nothing of that
    stands there at the end."""

    def why_not(trace: Trace) -> str | None:
        writes = _successful_writes(trace, key)
        over = {
            one for span in writes if _author(span) == author for one in _overwritten_authors(span)
        }
        if missed := [one for one in written_by if one not in over]:
            return f"it does not replace what {', '.join(missed)} wrote unread; {_describe_writers(writes)}"
        kept = [one for one in written_by if _is_preserved(writes, one)]
        return f"what {', '.join(kept)} wrote still stands there" if kept else None

    says = f"{author} overwrites {key} of {', '.join(written_by)}, unread"
    return Expectation(says, why_not, (author, *written_by), signals_failure=True)


def preserves_writes(*authors: str) -> Expectation:
    """What each of these last wrote stands, at the end, in the slot to which it was written."""

    def why_not(trace: Trace) -> str | None:
        for author in authors:
            mine = [span for span in _successful_writes(trace) if _author(span) == author]
            if not mine:
                return f"{author} wrote nothing; agents: {list_agents(trace)}"
            writes = _successful_writes(
                trace, str(mine[-1].attributes["flight_recorder.state.key"])
            )
            if not _is_preserved(writes, author):
                return f"what {author} wrote is gone; {_describe_writers(writes)}"
        return None

    return Expectation(f"keeps what {', '.join(authors)} noted", why_not, authors)


def _successful_writes(trace: Trace, key: str | None = None) -> list[Span]:
    """The writes to a slot, or to all, that came to pass, as their versions follow each other."""
    written = [span for span in trace.spans_of_type("STATE") if span.name.startswith("write ")]
    passed = [span for span in written if "flight_recorder.state.version" in span.attributes]
    mine = [span for span in passed if key in (None, span.attributes["flight_recorder.state.key"])]
    return sorted(mine, key=lambda span: int(span.attributes["flight_recorder.state.version"]))


def _author(write: Span) -> str:
    return str(write.attributes["flight_recorder.state.author"])


def _overwritten_authors(write: Span) -> tuple[str, ...]:
    """Whose work was replaced by a write, without its author having read it."""
    return tuple(write.attributes.get("flight_recorder.state.replaces", ()))


def _is_preserved(writes: list[Span], author: str) -> bool:
    """Whether what the author last wrote to a slot is a part of what stands there at the end."""
    mine = [span for span in writes if _author(span) == author]
    return bool(mine) and all(item in _items(writes[-1]) for item in _items(mine[-1]))


def _items(write: Span) -> list[Any]:
    value = write.inputs["value"]
    return value if isinstance(value, list) else [value]


def _describe_writers(writes: list[Span]) -> str:
    return f"the slot was written by {', then '.join(map(_author, writes)) or 'nobody'}"
