"""Record a program on a tape, or answer it from the tape, for the duration of a `with` block.

    with use_tape("tape.jsonl", mode="once") as session:
        subprocess.run(command, env=os.environ | session.environment(), check=True)
    assert not session.refusals and not session.unplayed_lines

The modes are those of vcrpy:

- `none`: answer from the tape; refuse what is not on it.
- `once`: record if there is no tape yet; else as `none`.
- `new_episodes`: answer from the tape; record what is not on it, at its end.
- `all`: record everything; the new tape replaces the old one if the block succeeds.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import get_args

from scenarios.programs.endpoints import find_endpoints, header_mounts
from scenarios.programs.tape_session import TapeMode, TapeSession
from scenarios.recording.partial_tape import PartialTape
from scenarios.recording.recording_proxy import serve_recorder
from scenarios.replay.http_server.server import HOST
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.tape.header import TapeHeader
from scenarios.tape.tape import Tape, TapeError

__all__ = ["TAPE_MODES", "TapeMode", "TapeSession", "use_tape"]

TAPE_MODES: tuple[TapeMode, ...] = get_args(TapeMode)
Serve = Callable[..., AbstractContextManager[ReplayServer]]
"""Serves a tape; takes the tape, and perhaps a recorder of what it does not answer."""


@contextmanager
def use_tape(
    path: Path | str,
    mode: TapeMode = "none",
    upstream: str | None = None,
    *,
    services: Mapping[str, str] | None = None,
    tolerant: bool = False,
    keeps_order: bool = False,
    is_paced: bool = False,
    on_exchange: Callable[[Exchange], None] | None = None,
    port: int = 0,
) -> Generator[TapeSession]:
    """Serve the endpoints of a program on 127.0.0.1 until the block ends.

    Args:
        path: The tape.
        mode: See the module's docstring.
        upstream: The base URL of the model's endpoint, which is recorded; by default the value of
            `OPENAI_BASE_URL`, or OpenAI's.
        services: Addresses of outside services that are recorded, by name.
        tolerant: Answer a request that differs from the recorded one, and report the drift.
        keeps_order: Hold each answer until all recorded lines before it have been answered.
        is_paced: Let answers take as long as they did when they were recorded.
        on_exchange: Called with each replayed exchange when it ends, on the server's thread.
        port: The port; 0 takes a free one.

    Raises:
        TapeError: The tape cannot be read or written; or, when the block ends, exchanges could not
            be recorded.
        InvalidServiceError: The address of an endpoint cannot be used.
        OSError: The port is in use.
    """
    path = Path(path)
    serve = partial(
        replay_tape,
        strict=not tolerant,
        on_exchange=on_exchange,
        port=port,
        keeps_order=keeps_order,
        is_paced=is_paced,
    )
    has_tape = path.exists() and path.stat().st_size > 0
    if mode == "none" or (mode == "once" and has_tape):
        opened = _replay(path, mode, serve)
    else:
        old = Tape.load(path) if has_tape else None
        opened = _record(path, mode, old, upstream, services or {}, serve, port)
    with opened as session:
        yield session


@contextmanager
def _replay(path: Path, mode: TapeMode, serve: Serve) -> Generator[TapeSession]:
    if not path.exists():
        raise TapeError(
            f"{path}: there is no such tape, and mode {mode!r} does not record one; record it with"
            f" mode 'once', or: python -m scenarios record --tape {path} -- COMMAND"
        )
    tape = Tape.load(path)
    session = TapeSession(path, mode, header_mounts(tape.header))
    with serve(tape) as replay:
        session.use_replay(replay)
        yield session


@contextmanager
def _record(
    path: Path,
    mode: TapeMode,
    old: Tape | None,
    upstream: str | None,
    services: Mapping[str, str],
    serve: Serve,
    port: int,
) -> Generator[TapeSession]:
    """Record a tape. In the mode `new_episodes`, an old tape answers what it can."""
    found = find_endpoints(upstream, services)
    is_extended = old is not None and mode == "new_episodes"
    file = PartialTape(path, extends=is_extended)
    rules = old.header if old else TapeHeader()
    file.append_header(TapeHeader({}, found.mounts, rules.volatile, rules.keeps_order))
    session = TapeSession(path, mode, found.mounts)
    with session.record(found.endpoints, file, old) as recorder:
        if is_extended:
            with serve(old, recorder=recorder) as replay:
                session.use_replay(replay)
                yield session
        else:
            with serve_recorder(recorder, port) as port:
                session.url = f"http://{HOST}:{port}"
                yield session
