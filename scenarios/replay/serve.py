"""Serve a tape in the foreground, to clients in any language, until Ctrl-C: the `serve` command."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Event

from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import run_services
from scenarios.tape.placeholders import InputValue
from scenarios.tape.suggestions import list_words
from scenarios.tape.tape import Tape

MAX_LISTED_LINES = 100
"""How many unplayed lines the closing summary lists."""


def serve_tape(
    tape_path: Path,
    port: int = 0,
    strict: bool = True,
    faults: Iterable[Fault] = (),
    inputs: Mapping[str, InputValue] | None = None,
    services: Mapping[str, tuple[str, ...]] | None = None,
    tracking_uri: str = "",
    print_message: Callable[[str], None] = lambda text: print(text, flush=True),
) -> None:
    """Serve a tape on 127.0.0.1 until Ctrl-C or SIGTERM; print its address and a closing summary.

    Args:
        tape_path: The tape.
        port: The port; 0 takes a free one.
        strict: Refuse requests that differ from the recorded ones.
        faults: Faults to inject.
        inputs: The inputs that the lines of services use.
        services: Services that are not on the tape, by name, with their arguments. They are
            started, and store their traces at `tracking_uri`.
        tracking_uri: The MLflow store of the services.
        print_message: Prints a message.

    Raises:
        TapeError: The tape is invalid.
        ServiceUnavailableError: A service did not start.
        SystemExit: With code 2, after an error message, if the port is in use.
    """
    tape = Tape.load(tape_path).with_inputs(inputs or {})
    try:
        with (
            run_services(services or {}, tracking_uri) as running,
            replay_tape(
                tape, faults, strict=strict, port=port, service_urls=running.addresses
            ) as replay,
        ):
            # A shell makes the background processes of a script ignore Ctrl-C.
            for stop_signal in (signal.SIGINT, signal.SIGTERM):
                signal.signal(stop_signal, signal.default_int_handler)
            print_message(_startup_message(tape, replay, running.addresses))
            try:
                Event().wait()
            except KeyboardInterrupt:
                print_message(_closing_summary(replay))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"port {port}: {reason}. Choose another port, or 0 for a free one.", file=sys.stderr)
        raise SystemExit(2) from error


def _startup_message(tape: Tape, replay: ReplayServer, services: Iterable[str]) -> str:
    forwarded = "".join(
        f"  {replay.service_url(name)}  the service {name}, in its own process\n"
        for name in services
    )
    return (
        f"serving {len(tape.lines)} lines of {tape.file}, lanes: {list_words(tape.lanes)}\n"
        f"  export OPENAI_BASE_URL={replay.base_url} OPENAI_API_KEY=taped\n"
        f"  GET {replay.url}/ledger  shows the exchanges; POST {replay.url}/rewind  starts again\n"
        f"{forwarded}"
        "Press Ctrl-C to stop."
    )


def _closing_summary(replay: ReplayServer) -> str:
    exchanges, unplayed = len(replay.ledger.exchanges), replay.unplayed_lines
    lines = [f"{exchanges} exchanges, {len(replay.refusals)} of them refused"]
    lines += [f"  unplayed: {line}" for line in unplayed[:MAX_LISTED_LINES]]
    if len(unplayed) > MAX_LISTED_LINES:
        lines.append(f"  … {len(unplayed)} unplayed lines in total")
    lines += [f"  drift: {drift}" for drift in replay.drift]
    return "\n" + "\n".join(lines)
