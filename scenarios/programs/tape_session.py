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
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from scenarios.programs.endpoints import (
    OPENAI_MOUNT,
    find_endpoints,
    header_mounts,
    placeholder_keys,
    program_environment,
)
from scenarios.programs.redirected_clients import redirection_variables
from scenarios.recording.partial_tape import FinishedTape, PartialTape
from scenarios.recording.recorder import Recorder, UncapturedAnswer
from scenarios.recording.recording_proxy import serve_recorder
from scenarios.replay.http_server.server import HOST
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.header import LaneRule, TapeHeader
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import Drift
from scenarios.tape.tape import Tape, TapeError

TapeMode = Literal["none", "once", "new_episodes", "all"]
TAPE_MODES: tuple[TapeMode, ...] = get_args(TapeMode)


@dataclass
class TapeSession:
    """Running endpoints of a program, and what was recorded or replayed. It stays readable.

    Attributes:
        path: The tape.
        mode: As given.
        url: The server's address.
        mounts: By environment variable, the path below `url` that its clients use.
        finished: Where the recording is; None while it runs, and if nothing is recorded.
    """

    path: Path
    mode: TapeMode
    url: str
    mounts: Mapping[str, str]
    finished: FinishedTape | None = None
    failed: bool = False
    _recorder: Recorder | None = None
    _replay: ReplayServer | None = None

    @property
    def base_url(self) -> str:
        """The `base_url` for an OpenAI client."""
        return f"{self.url}{OPENAI_MOUNT}"

    @property
    def port(self) -> int:
        """The server's port."""
        return int(self.url.rpartition(":")[2])

    def environment(self) -> dict[str, str]:
        """Return the variables to set for the program, in addition to those that it has."""
        keys = {} if self.is_recording else placeholder_keys(self.mounts)
        hook = redirection_variables(self.mounts)
        return program_environment(self.url, self.mounts) | hook | keys

    def keep_old_tape(self) -> None:
        """Say that the program failed: an existing tape is not replaced by its recording."""
        self.failed = True

    @property
    def is_recording(self) -> bool:
        """Whether requests may reach a live endpoint."""
        return self._recorder is not None

    @property
    def recorded(self) -> int:
        """The number of exchanges that were recorded."""
        return self._recorder.recorded if self._recorder else 0

    @property
    def uncaptured(self) -> tuple[UncapturedAnswer, ...]:
        """The answers that the program got and that are not on the tape."""
        return tuple(self._recorder.uncaptured) if self._recorder else ()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The ledger of the exchanges; empty if everything is recorded."""
        return self._replay.ledger.exchanges if self._replay else ()

    @property
    def refusals(self) -> tuple[RequestRefusedError, ...]:
        """The requests that the tape did not answer."""
        return self._replay.refusals if self._replay else ()

    @property
    def drift(self) -> tuple[Drift, ...]:
        """The requests that differ from the recorded ones, and were answered all the same."""
        return self._replay.drift if self._replay else ()

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The lines of which nothing was served."""
        return self._replay.unplayed_lines if self._replay else ()


@dataclass(frozen=True)
class ReplayOptions:
    """How a tape is replayed.

    Attributes:
        tolerant: Answer a request that differs from the recorded one, and report the drift.
        keeps_order: Hold each answer until all recorded lines before it have been answered.
        is_paced: Let answers take as long as they did when they were recorded.
        on_exchange: Called with each exchange when it ends, on the server's thread.
    """

    tolerant: bool = False
    keeps_order: bool = False
    is_paced: bool = False
    on_exchange: Callable[[Exchange], None] | None = None

    def serve(
        self, tape: Tape, port: int, recorder: Recorder | None = None
    ) -> AbstractContextManager[ReplayServer]:
        """Serve a tape in this way."""
        return replay_tape(
            tape,
            strict=not self.tolerant,
            on_exchange=self.on_exchange,
            port=port,
            recorder=recorder,
            keeps_order=self.keeps_order,
            is_paced=self.is_paced,
        )


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
    options = ReplayOptions(tolerant, keeps_order, is_paced, on_exchange)
    has_tape = path.exists() and path.stat().st_size > 0
    if mode == "none" or (mode == "once" and has_tape):
        with _replay_session(path, mode, options, port) as session:
            yield session
        return
    found = find_endpoints(upstream, services or {})
    before = Tape.load(path) if has_tape else None
    tape = before if mode == "new_episodes" else None
    partial = PartialTape(path, extends=tape is not None)
    old = before.header if before else TapeHeader()
    partial.append_header(TapeHeader({}, found.mounts, old.volatile, old.keeps_order))

    def add_lane(lane: str, rule: LaneRule) -> None:
        partial.append_header(TapeHeader({lane: rule}))

    recorder = Recorder(found.endpoints, partial.writer, LaneNames(before, add_lane))
    session = TapeSession(path, mode, "", found.mounts, _recorder=recorder)
    succeeded = False
    try:
        with _serve_recording(session, tape, recorder, options, port):
            yield session
        succeeded = not session.failed
    finally:
        session.finished = partial.finish(
            succeeded=succeeded,
            recorded=recorder.recorded,
            aborted_lines=recorder.aborted_lines,
        )
    partial.writer.raise_errors()


@contextmanager
def _replay_session(
    path: Path, mode: TapeMode, options: ReplayOptions, port: int
) -> Generator[TapeSession]:
    if not path.exists():
        raise TapeError(
            f"{path}: there is no such tape, and mode {mode!r} does not record one; record it with"
            f" mode 'once', or: python -m scenarios record --tape {path} -- COMMAND"
        )
    tape = Tape.load(path)
    with options.serve(tape, port) as replay:
        yield TapeSession(path, mode, replay.url, header_mounts(tape.header), _replay=replay)


@contextmanager
def _serve_recording(
    session: TapeSession,
    tape: Tape | None,
    recorder: Recorder,
    options: ReplayOptions,
    port: int,
) -> Generator[None]:
    if tape is None:
        with serve_recorder(recorder, port) as port:
            session.url = f"http://{HOST}:{port}"
            yield
        return
    with options.serve(tape, port, recorder) as replay:
        session.url, session._replay = replay.url, replay
        yield
