"""Run `--fork`: build the fork from its options, serve it, and describe how it went."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from instrumentation.input_file import read_input_text
from scenarios.programs.endpoints import find_endpoints, header_mounts
from scenarios.programs.tape_session import TapeSession
from scenarios.recording.partial_tape import PartialTape
from scenarios.replay.replay_server import replay_tape
from scenarios.replay.selection.fork import Fork, ForkError, find_fork_point, parse_edited_reply
from scenarios.reports.wording import count_of
from scenarios.tape.tape import Tape


def make_fork(
    text: str, tape: Tape, *, edit: Path | None, is_live: bool, other: Path | None
) -> Fork:
    """Build a fork from the options of the command line.

    Args:
        text: The point, as LANE:CALL.
        edit: A file with the reply at the point.
        other: Go on with this tape.

    Raises:
        ForkError: The point is not on the tape, a file is invalid, or nothing would be different.
        TapeError: The other tape is invalid.
    """
    if is_live and other is not None:
        raise ForkError("--live and --tape exclude each other: a fork goes on in one way")
    if edit is None and not is_live and other is None:
        raise ForkError(
            f"--fork {text} says where, not how: add --edit FILE, --live or --tape FILE"
        )
    point = find_fork_point(text, tape)
    return Fork(point, _read_edit(edit), is_live, Tape.load(other) if other else None)


def _read_edit(edit: Path | None) -> dict[str, object] | None:
    if edit is None:
        return None
    try:
        return parse_edited_reply(read_input_text(edit), str(edit))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ForkError(f"{edit}: cannot be read ({reason})") from error


@contextmanager
def fork_tape(
    tape: Tape, fork: Fork, upstream: str | None = None, *, tolerant: bool = False, port: int = 0
) -> Generator[TapeSession]:
    """Serve a tape up to a fork, and what follows it, until the block ends.

    The answers of a live endpoint are recorded on `TAPE.LANE-CALL.jsonl`, beside the tape.

    Raises:
        InvalidServiceError: The address of the live endpoint cannot be used.
        OSError: The port is in use.
    """
    path, mounts = Path(tape.file), header_mounts(tape.header)
    serve = partial(replay_tape, tape, strict=not tolerant, port=port, fork=fork)
    session = TapeSession(path, "none", mounts)
    if not fork.is_live:
        with serve() as replay:
            session.use_replay(replay)
            yield session
        return
    found = find_endpoints(upstream, {})
    session.mounts = {**mounts, **found.mounts}
    suffix = re.sub(r"\W+", "_", fork.point.lane) + f"-{fork.point.call}"
    file = PartialTape(path.with_name(f"{path.stem}.{suffix}.jsonl"), extends=False)
    with (
        session.record(found.endpoints, file, tape) as recorder,
        serve(recorder=recorder) as replay,
    ):
        session.use_replay(replay)
        yield session


def describe_fork(session: TapeSession, fork: Fork) -> Iterator[str]:
    """Yield sentences about a fork that has ended."""
    where = f"{fork.point.lane}, call {fork.point.call}"
    if not session.is_fork_reached:
        calls = sum(one.lane == fork.point.lane for one in session.exchanges)
        made = f"{fork.point.lane} made {count_of(calls, 'call')}"
        yield f"the fork was not reached: {made}, expected {where}"
        return
    how = "with an edited reply" if fork.edited_reply is not None else "with another reply"
    after = "live" if fork.is_live else f"with {fork.tape.file}" if fork.tape else "with the tape"
    yield f"forked at {where}, {how}, and went on {after}"
    if fork.is_live and session.finished is not None and session.recorded:
        answers = count_of(session.recorded, "live answer")
        yield f"{answers} recorded on {session.finished.path}"
