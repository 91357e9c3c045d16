"""`TapeSession`: the address of a running tape server, and what it has recorded or replayed."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenarios.programs.endpoints import OPENAI_MOUNT, placeholder_keys, program_environment
from scenarios.programs.tavily_redirection import startup_hook_variables
from scenarios.recording.endpoint import Endpoint
from scenarios.recording.partial_tape import FinishedTape, PartialTape
from scenarios.recording.recorder import Recorder, UncapturedAnswer
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.tape.header import LaneRule, TapeHeader
from scenarios.tape.lanes.lane_names import LaneNames
from scenarios.tape.line import TapeLine
from scenarios.tape.requests.drift import Drift
from scenarios.tape.tape import Tape

TapeMode = Literal["none", "once", "new_episodes", "all"]


@dataclass
class TapeSession:
    """Running endpoints of a program, and what was recorded or replayed. It stays readable.

    Attributes:
        mode: As given.
        mounts: By environment variable, the path below `url` that its clients use.
        url: The server's address.
        finished: Where the recording is; None while it runs, and if nothing is recorded.
    """

    path: Path
    mode: TapeMode
    mounts: Mapping[str, str]
    url: str = ""
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
        hook = startup_hook_variables(self.mounts)
        return program_environment(self.url, self.mounts) | hook | keys

    def use_replay(self, replay: ReplayServer) -> None:
        """Let a replay server answer."""
        self.url, self._replay = replay.url, replay

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
    def is_fork_reached(self) -> bool:
        """Whether the replay has forked."""
        return self._replay is not None and self._replay.is_fork_reached

    @property
    def drift(self) -> tuple[Drift, ...]:
        """The requests that differ from the recorded ones, and were answered all the same."""
        return self._replay.drift if self._replay else ()

    @property
    def unplayed_lines(self) -> tuple[TapeLine, ...]:
        """The lines of which nothing was served."""
        return self._replay.unplayed_lines if self._replay else ()

    @contextmanager
    def record(
        self, endpoints: Iterable[Endpoint], file: PartialTape, known_lanes: Tape | None
    ) -> Generator[Recorder]:
        """Record the endpoints into a file, which is put in the tape's place at the end.

        Args:
            endpoints: The live endpoints.
            file: Where the exchanges are written, beside the tape.
            known_lanes: A tape whose lanes keep their names.

        Raises:
            TapeError: At the end, exchanges could not be written.
        """

        def add_lane(lane: str, rule: LaneRule) -> None:
            file.append_header(TapeHeader({lane: rule}))

        recorder = Recorder(endpoints, file.writer, LaneNames(known_lanes, add_lane))
        self._recorder = recorder
        succeeded = False
        try:
            yield recorder
            succeeded = not self.failed
        finally:
            self.finished = file.finish(
                succeeded=succeeded,
                recorded=recorder.recorded,
                aborted_lines=recorder.aborted_lines,
            )
        file.writer.raise_errors()
