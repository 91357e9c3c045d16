"""Serving: a tape played to clients in any language, from a terminal, until Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Event

from scenarios.replay.faults import Fault
from scenarios.replay.replay_server import Replay, replayed
from scenarios.replay.service_processes import running
from scenarios.tape.json_checks import listed
from scenarios.tape.placeholders import Value
from scenarios.tape.tape import Tape

SHOWN = 100
"""How many unplayed lines are named at the end."""


def serve(
    tape_path: Path,
    port: int = 0,
    strict: bool = True,
    faults: Iterable[Fault] = (),
    inputs: Mapping[str, Value] | None = None,
    processes: Mapping[str, tuple[str, ...]] | None = None,
    tracking_uri: str = "",
    say: Callable[[str], None] = lambda text: print(text, flush=True),
) -> None:
    """Play the tape on `port` of 127.0.0.1 (0: a free one), and say where, till Ctrl-C or TERM.

    `processes` are services that the tape has no lines for: they are started, and trace to the
    store at `tracking_uri`. TapeError if the tape can't be read, NotUp if one of them does not
    start; exit code 2, with a sentence, if the port is taken.
    """
    tape = Tape.read(tape_path).given(inputs or {})
    try:
        with (
            running(processes or {}, tracking_uri) as started,
            replayed(tape, faults, strict=strict, port=port, forwards=started.addresses) as replay,
        ):
            # Started in the background of a script, a process is told to ignore Ctrl-C.
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, signal.default_int_handler)
            say(_where(tape, replay, started.addresses))
            try:
                Event().wait()
            except KeyboardInterrupt:
                say(_summary(replay))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        print(f"port {port}: {why}. Take another, or 0 for a free one.", file=sys.stderr)
        raise SystemExit(2) from error


def _where(tape: Tape, replay: Replay, services: Iterable[str]) -> str:
    forwarded = "".join(
        f"  {replay.at(name)}  {name}, a service in a process of its own\n" for name in services
    )
    return (
        f"playing {len(tape.lines)} lines of {tape.file}, lanes: {listed(tape.lanes)}\n"
        f"  export OPENAI_BASE_URL={replay.base_url} OPENAI_API_KEY=taped\n"
        f"  GET {replay.url}/ledger  what was served    POST {replay.url}/rewind  begin again\n"
        f"{forwarded}"
        "Ctrl-C ends it."
    )


def _summary(replay: Replay) -> str:
    served = len(replay.ledger.exchanges)
    left = replay.unplayed
    lines = "".join(f"\n  unplayed: {line}" for line in left[:SHOWN])
    lines += f"\n  … {len(left)} unplayed in all" if len(left) > SHOWN else ""
    drift = "".join(f"\n  drift: {change}" for change in replay.drift)
    return f"\n{served} exchanges, {len(replay.refusals)} of them refused{lines}{drift}"
