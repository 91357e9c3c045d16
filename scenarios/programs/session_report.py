"""Report what was recorded or replayed: for people in sentences, for programs as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from scenarios.programs.forked_replay import describe_fork
from scenarios.programs.run_program import EndedProgram
from scenarios.programs.tape_session import TapeSession
from scenarios.replay.selection.fork import Fork
from scenarios.reports.wording import count_of, list_entries, list_words

MAX_LISTED = 50
"""How many entries of one kind the sentences list."""


def is_complete_replay(session: TapeSession, fork: Fork | None = None) -> bool:
    """Return whether each request was answered, each line played, and a fork reached.

    A tape without lines answers nothing, so its replay is not complete.
    """
    is_answered = bool(session.exchanges) and not session.refusals and not session.unplayed_lines
    return is_answered and (fork is None or session.is_fork_reached)


def to_json(session: TapeSession, ended: EndedProgram, fork: Fork | None = None) -> dict[str, Any]:
    """Return the report of a program that has ended, as JSON values."""
    finished = session.finished
    forked = {"fork": str(fork.point), "fork_reached": session.is_fork_reached} if fork else {}
    return {
        "tape": str(session.path),
        "mode": session.mode,
        "exit_code": ended.exit_code,
        "exchanges": len(session.exchanges),
        "recorded": session.recorded,
        "recorded_in": str(finished.path) if finished and session.recorded else None,
        "uncaptured": [asdict(one) for one in session.uncaptured],
        "refusals": [{"lane": one.lane, "message": str(one)} for one in session.refusals],
        "drift": [
            {
                "lane": one.lane,
                "call": one.call,
                "line": one.location,
                "severity": one.severity,
                "changes": [change.description for change in one.changes],
            }
            for one in session.drift
        ],
        "unplayed": [{"line": one.location, "lane": one.lane} for one in session.unplayed_lines],
        "other_connections": sorted(ended.other_connections),
    } | forked


def describe_recording(session: TapeSession, ended: EndedProgram) -> Iterator[str]:
    """Yield sentences about a recording that has ended."""
    finished = session.finished
    if not session.recorded and not session.exchanges:
        yield (
            f"nothing was recorded: no completion was requested at {session.base_url}. A program"
            " that sets its base URL itself must take it from OPENAI_BASE_URL."
        )
    elif finished is not None and session.recorded:
        yield f"recorded {count_of(session.recorded, 'exchange')} on {finished.path}"
        if not finished.replaced:
            yield (
                f"the program failed, so {session.path} is unchanged; to use the recording all the"
                f" same: mv {finished.path} {session.path}"
            )
    yield from _describe_other_connections(ended)
    reasons = Counter(map(str, session.uncaptured))
    yield from list_entries(
        [
            f"not captured: {reason}" + (f" ({count} times)" if count > 1 else "")
            for reason, count in reasons.items()
        ],
        MAX_LISTED,
    )


def describe_replay(
    session: TapeSession, ended: EndedProgram, fork: Fork | None = None
) -> Iterator[str]:
    """Yield sentences about a replay: its counts, what was refused, what drifted and what is left.

    A refusal that was repeated, because a client tried again, appears once.
    """
    yield (
        f"{session.path}: {count_of(len(session.exchanges), 'exchange')},"
        f" {len(session.refusals)} refused, {len(session.drift)} drifted,"
        f" {count_of(len(session.unplayed_lines), 'line')} unplayed"
    )
    if not session.exchanges and not session.refusals and not session.unplayed_lines:
        yield "the tape has no lines and nothing was requested, so nothing was replayed"
    yield from _describe_other_connections(ended)
    yield from list_entries(
        [f"refused: {text}" for text in dict.fromkeys(map(str, session.refusals))], MAX_LISTED
    )
    yield from list_entries([f"drift: {drift}" for drift in session.drift], MAX_LISTED)
    yield from list_entries([f"unplayed: {line}" for line in session.unplayed_lines], MAX_LISTED)
    if session.mode == "once":
        add = "to add what it lacks: --mode new_episodes; " if session.refusals else ""
        yield f"{session.path} existed, so it was replayed; {add}to record again: --mode all"
    if fork is not None:
        yield from describe_fork(session, fork)


def _describe_other_connections(ended: EndedProgram) -> Iterator[str]:
    if ended.other_connections:
        addresses = list_words(tuple(sorted(ended.other_connections)))
        yield f"the program was also connected to {addresses}: what it asked there is on no tape"
