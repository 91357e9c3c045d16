"""An expectation of notes: what stands in a shared state at the end, and who wrote over whom."""

from typing import Any

from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.expectations import Expectation
from scenarios.expectations.wording import agents


def overwrites(author: str, slot: str, *, of: tuple[str, ...]) -> Expectation:
    """The author writes over what these had written there and it had not read, and nothing of that
    stands there at the end."""

    def why_not(trace: Trace) -> str | None:
        writes = _writes(trace, slot)
        over = {one for span in writes if _author(span) == author for one in _replaced(span)}
        if missed := [one for one in of if one not in over]:
            return f"it does not replace what {', '.join(missed)} wrote unread; {_told(writes)}"
        kept = [one for one in of if _stands(writes, one)]
        return f"what {', '.join(kept)} wrote still stands there" if kept else None

    says = f"{author} overwrites {slot} of {', '.join(of)}, unread"
    return Expectation(says, why_not, (author, *of), alarming=True)


def keeps_notes(*of: str) -> Expectation:
    """What each of these last wrote stands, at the end, in the slot to which it was written."""

    def why_not(trace: Trace) -> str | None:
        for author in of:
            mine = [span for span in _writes(trace) if _author(span) == author]
            if not mine:
                return f"{author} wrote nothing; agents: {agents(trace)}"
            writes = _writes(trace, str(mine[-1].attributes["state.key"]))
            if not _stands(writes, author):
                return f"what {author} wrote is gone; {_told(writes)}"
        return None

    return Expectation(f"keeps what {', '.join(of)} noted", why_not, of)


def _writes(trace: Trace, slot: str | None = None) -> list[Span]:
    """The writes to a slot, or to all, that came to pass, as their versions follow each other."""
    written = [span for span in trace.of_type("STATE") if span.name.startswith("write ")]
    passed = [span for span in written if "state.version" in span.attributes]
    mine = [span for span in passed if slot in (None, span.attributes["state.key"])]
    return sorted(mine, key=lambda span: int(span.attributes["state.version"]))


def _author(write: Span) -> str:
    return str(write.attributes["state.author"])


def _replaced(write: Span) -> tuple[str, ...]:
    """Whose work was replaced by a write, without its author having read it."""
    return tuple(write.attributes.get("state.replaces", ()))


def _stands(writes: list[Span], author: str) -> bool:
    """Whether what the author last wrote to a slot is a part of what stands there at the end."""
    mine = [span for span in writes if _author(span) == author]
    return bool(mine) and all(item in _items(writes[-1]) for item in _items(mine[-1]))


def _items(write: Span) -> list[Any]:
    value = write.inputs["value"]
    return value if isinstance(value, list) else [value]


def _told(writes: list[Span]) -> str:
    return f"the slot was written by {', then '.join(map(_author, writes)) or 'nobody'}"
