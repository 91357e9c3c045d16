"""The commands `record` and `replay`: run any program against a tape."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from scenarios.cli.exits import exit_on_interrupt
from scenarios.cli.options import CommandArgument, JsonOption, PortOption
from scenarios.cli.output import print_json, print_lines

if TYPE_CHECKING:
    from scenarios.programs.run_program import EndedProgram
    from scenarios.programs.tape_session import TapeSession

PROBLEM_EXIT_CODE = 1


def record(
    tape: Annotated[Path, typer.Option(help="Tape to write (JSONL file).", metavar="FILE")],
    command: CommandArgument = None,
    mode: Annotated[
        str,
        typer.Option(
            help="none, once, new_episodes or all, as vcrpy's.", metavar="MODE", show_default=True
        ),
    ] = "once",
    upstream: Annotated[
        str | None,
        typer.Option(
            help="Base URL of the model (default: OPENAI_BASE_URL, or OpenAI's).", metavar="URL"
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(help="Another service to record (repeatable).", metavar="NAME=URL"),
    ] = None,
    port: PortOption = 0,
) -> None:
    """Record the completions of a program on a tape.

    A proxy on 127.0.0.1 stands before the endpoints while COMMAND runs. OPENAI_BASE_URL points to
    it, and AZURE_OPENAI_ENDPOINT and NAME_BASE_URL for Azure OpenAI, Tavily and each --service.
    Without COMMAND, the proxy runs until Ctrl-C, for programs that you start yourself.

    Modes: none replays the tape; once records if there is no tape yet, else replays it;
    new_episodes replays it and records what it lacks; all records everything again. An existing
    tape is only replaced if COMMAND succeeds.

    Example: python -m scenarios record --tape crew.jsonl -- python crew.py

    The exit code is that of COMMAND if it failed; else 1 if requests were refused, which is
    possible in the modes none and once; else 0. 2 if nothing could be recorded.
    """
    from scenarios.programs.endpoints import parse_services
    from scenarios.programs.session_report import describe_recording, describe_replay
    from scenarios.programs.use_tape import TAPE_MODES, use_tape

    if mode not in TAPE_MODES:
        raise typer.BadParameter(f"--mode expects one of {', '.join(TAPE_MODES)}; got {mode!r}")
    services = parse_services(service or [])
    opened = use_tape(tape, mode, upstream, services=services, port=port)
    with _exit_on_port_error(port), opened as session:
        doing = "recording" if session.is_recording else f"replaying {tape}"
        ended = _run(command, session, f"{doing} on {session.base_url}")
        if ended.exit_code and command:
            session.keep_old_tape()
    describe = describe_recording if session.is_recording else describe_replay
    print_lines(describe(session, ended), err=True)
    raise typer.Exit(ended.exit_code or (PROBLEM_EXIT_CODE if session.refusals else 0))


def replay(
    tape: Annotated[Path, typer.Argument(help="Tape (JSONL file).", metavar="TAPE")],
    command: CommandArgument = None,
    tolerant: Annotated[
        bool,
        typer.Option(
            "--tolerant/--strict",
            help="Answer changed requests, and report the drift; or refuse them.",
        ),
    ] = False,
    ordered: Annotated[
        bool,
        typer.Option(help="Answer in the recorded order, for fan-outs.", show_default=False),
    ] = False,
    paced: Annotated[
        bool, typer.Option(help="Answer at the recorded speed.", show_default=False)
    ] = False,
    fork: Annotated[
        str, typer.Option(help="Go on another way from this call on.", metavar="LANE:CALL")
    ] = "",
    edit: Annotated[
        Path | None, typer.Option(help="Reply at the fork, text or JSON.", metavar="FILE")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="After the fork, ask the model.", show_default=False)
    ] = False,
    upstream: Annotated[
        str | None, typer.Option(help="Base URL of the model for --live.", metavar="URL")
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--tape", help="After the fork, this tape.", metavar="FILE")
    ] = None,
    json_output: JsonOption = False,
    port: PortOption = 0,
) -> None:
    """Run a program offline: a tape answers its completions.

    OPENAI_BASE_URL, and the variables of the other services on the tape, point to the tape while
    COMMAND runs; keys that are not set get a placeholder. Without COMMAND, use serve.

    --ordered holds each answer until all lines before it on the tape have been answered: for a
    program whose next prompt lists the replies of parallel agents in the order of their arrival.

    --fork replays up to a call of an agent and goes on with an edited reply (--edit), with the
    model (--live) or with another tape (--tape). Lines left after the fork are no failure.

    Example: python -m scenarios replay crew.jsonl --tolerant -- python crew.py

    The exit code is that of COMMAND if it failed; else 1 if requests were refused or lines were not
    played; else 0. 2 if it could not start. With --json, stdout has the report and nothing else:
    what COMMAND prints goes to stderr. Its "exit_code" is that of COMMAND.
    """
    from scenarios.programs.forked_replay import fork_tape, make_fork
    from scenarios.programs.session_report import describe_replay, is_complete_replay, to_json
    from scenarios.programs.use_tape import use_tape
    from scenarios.tape.tape import Tape

    if not command:
        raise typer.BadParameter(
            f"a program is missing: python -m scenarios replay {tape} -- COMMAND;"
            f" to serve the tape in a terminal: python -m scenarios serve {tape}"
        )
    if not fork and (edit or live or other):
        raise typer.BadParameter(
            "--edit, --live and --tape need the call to fork at: --fork LANE:CALL"
        )
    if fork:
        loaded = Tape.load(tape)
        forked = make_fork(fork, loaded, edit=edit, is_live=live, other=other)
        opened = fork_tape(loaded, forked, upstream, tolerant=tolerant, port=port)
    else:
        forked = None
        opened = use_tape(tape, tolerant=tolerant, keeps_order=ordered, is_paced=paced, port=port)
    with _exit_on_port_error(port), opened as session:
        ended = _run(command, session, is_stdout_kept=not json_output)
    if json_output:
        print_json(to_json(session, ended, forked))
    else:
        print_lines(describe_replay(session, ended, forked), err=True)
    is_complete = is_complete_replay(session, forked)
    raise typer.Exit(ended.exit_code or (0 if is_complete else PROBLEM_EXIT_CODE))


def _run(
    command: list[str] | None,
    session: "TapeSession",
    greeting: str = "",
    *,
    is_stdout_kept: bool = True,
) -> "EndedProgram":
    """Run the command, or without one wait for Ctrl-C."""
    from scenarios.programs.run_program import EndedProgram, run_program

    sys.stdout.flush()
    if greeting:
        typer.echo(greeting, err=True)
    if command:
        return run_program(
            command, session.environment(), session.port, is_stdout_kept=is_stdout_kept
        )
    for name, value in session.environment().items():
        typer.echo(f"  export {name}={value}")
    typer.echo("Start your programs with these variables. Press Ctrl-C to stop.", err=True)
    try:
        with exit_on_interrupt("stopped"):
            Event().wait()
    except typer.Exit as stop:
        return EndedProgram(stop.exit_code)
    return EndedProgram(0)


@contextmanager
def _exit_on_port_error(port: int) -> Generator[None]:
    try:
        yield
    except OSError as error:
        typer.echo(
            f"error: port {port}: {error.strerror or error}. Choose another --port, or 0.",
            err=True,
        )
        raise typer.Exit(2) from error
