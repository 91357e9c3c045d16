"""Answer a test from a tape, or record it there, and explain what makes the test fail."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scenarios.programs.run_program import EndedProgram
from scenarios.programs.session_report import describe_replay, is_complete_replay
from scenarios.programs.tavily_redirection import patch_tavily_clients
from scenarios.programs.use_tape import TAPE_MODES, TapeMode, TapeSession, use_tape
from scenarios.testing.environment_variables import environment_variables

MARKER_ARGUMENTS = ("mode", "tolerant", "upstream", "services")
"""Keyword arguments of the marker `tape`; those of `use_tape`."""


class TapeMarkerError(ValueError):
    """The marker `tape` or the option --tape-mode has a wrong argument."""


def parse_marker(
    arguments: tuple[Any, ...], options: Mapping[str, Any], test_file: Path, test_name: str
) -> tuple[Path, dict[str, Any]]:
    """The path of a test's tape, and the options of `use_tape`.

    Args:
        arguments: At most the path, relative to the test's file. Default: `tapes/`, the name of
            the file, and the name of the test.
        options: Some of `MARKER_ARGUMENTS`.

    Raises:
        TapeMarkerError: An argument is unknown.
    """
    unknown = sorted(set(options) - set(MARKER_ARGUMENTS))
    if len(arguments) > 1 or unknown:
        found = ", ".join([*map(repr, arguments[1:]), *unknown])
        raise TapeMarkerError(
            f"the marker tape expects a path and {', '.join(MARKER_ARGUMENTS)}; got {found}"
        )
    default = Path("tapes", test_file.stem, f"{test_name.replace('/', '_')}.jsonl")
    path = test_file.parent / (arguments[0] if arguments else default)
    return path, dict(options)


@contextmanager
def tape_test(path: Path, mode: str, options: Mapping[str, Any]) -> Generator[TapeSession]:
    """Let the environment name the tape's server in the block.

    Raises:
        TapeMarkerError: The mode is unknown.
        TapeError: The tape cannot be read.
    """
    if mode not in TAPE_MODES:
        raise TapeMarkerError(f"expected a mode of {', '.join(TAPE_MODES)}; got {mode!r}")
    checked: TapeMode = next(one for one in TAPE_MODES if one == mode)
    if checked != "none":
        path.parent.mkdir(parents=True, exist_ok=True)
    with (
        use_tape(path, checked, **options) as session,
        environment_variables(session.environment()),
        patch_tavily_clients(),
    ):
        yield session


def explain_session(session: TapeSession) -> str:
    """Why the test fails by its tape, in the tape's own sentences; "" if it does not."""
    if session.is_recording or is_complete_replay(session):
        return ""
    return "\n".join(describe_replay(session, EndedProgram(0)))
