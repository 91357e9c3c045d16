"""Serving: a tape played to clients in any language, from a terminal, until Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Event

from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.service_processes import run_services
from scenarios.tape.json_checks import list_words
from scenarios.tape.placeholders import InputValue
from scenarios.tape.tape import Tape

MAX_SHOWN_LINES = 100
"""How many unplayed lines are named at the end."""


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
    """Play the tape on `port` of 127.0.0.1 (0: a free one), and say where, till Ctrl-C or TERM.

    `processes` are services that the tape has no lines for: they are started, and trace to the
    store at `tracking_uri`. TapeError if the tape can't be read, NotUp if one of them does not
    start; exit code 2, with a sentence, if the port is taken.
    """
    tape = Tape.load(tape_path).with_inputs(inputs or {})
    try:
        with (
            run_services(services or {}, tracking_uri) as started,
            replay_tape(
                tape, faults, strict=strict, port=port, service_urls=started.addresses
            ) as replay,
        ):
            # Started in the background of a script, a process is told to ignore Ctrl-C.
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, signal.default_int_handler)
            print_message(_startup_message(tape, replay, started.addresses))
            try:
                Event().wait()
            except KeyboardInterrupt:
                print_message(_closing_summary(replay))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"port {port}: {why}. Take another, or 0 for a free one.", file=sys.stderr)
        raise SystemExit(2) from error


def _startup_message(tape: Tape, replay: ReplayServer, services: Iterable[str]) -> str:
    forwarded = "".join(
        f"  {replay.service_url(name)}  {name}, a service in a process of its own\n"
        for name in services
    )
    return (
        f"playing {len(tape.lines)} lines of {tape.file}, lanes: {list_words(tape.lanes)}\n"
        f"  export OPENAI_BASE_URL={replay.base_url} OPENAI_API_KEY=taped\n"
        f"  GET {replay.url}/ledger  what was served    POST {replay.url}/rewind  begin again\n"
        f"{forwarded}"
        "Ctrl-C ends it."
    )


def _closing_summary(replay: ReplayServer) -> str:
    served = len(replay.ledger.exchanges)
    left = replay.unplayed_lines
    lines = "".join(f"\n  unplayed: {line}" for line in left[:MAX_SHOWN_LINES])
    lines += f"\n  … {len(left)} unplayed in all" if len(left) > MAX_SHOWN_LINES else ""
    drift = "".join(f"\n  drift: {change}" for change in replay.drift)
    return f"\n{served} exchanges, {len(replay.refusals)} of them refused{lines}{drift}"
