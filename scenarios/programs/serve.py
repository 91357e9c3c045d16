"""Serve a tape in the foreground, to clients in any language, until Ctrl-C: the `serve` command."""

import errno
import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from threading import Event
from typing import NoReturn

from scenarios.replay.faults import Fault
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import ReplayServer, replay_tape
from scenarios.replay.selection.refusal import RequestRefusedError
from scenarios.replay.service_processes import run_services
from scenarios.reports.terminal import ClosedStream, discard_output
from scenarios.reports.wording import count_of, list_words
from scenarios.tape.tape import Tape

MAX_LISTED_LINES = 100
"""How many unplayed lines the closing summary lists."""


def serve_tape(
    tape: Tape,
    port: int = 0,
    strict: bool = True,
    faults: Iterable[Fault] = (),
    services: Mapping[str, tuple[str, ...]] | None = None,
    tracking_uri: str = "",
) -> None:
    """Serve a tape until Ctrl-C or SIGTERM; print its address, a line per request, and a summary.

    Args:
        tape: The tape, its inputs filled in.
        port: The port; 0 takes a free one.
        strict: Refuse requests that differ from the recorded ones.
        services: Services that are not on the tape, by name, with their arguments. They are
            started, and store their traces at `tracking_uri`.
        tracking_uri: The MLflow store of the services.

    Raises:
        ServiceUnavailableError: A service did not start.
        KeyboardInterrupt: It was stopped, and has printed the summary.
        SystemExit: With code 2, after an error message, if the port is in use, or the address
            cannot be printed.
    """
    output = ServerOutput()
    with run_services(services or {}, tracking_uri) as running, ExitStack() as stack:
        server = replay_tape(tape, faults, strict, output.log, port, running.addresses)
        try:
            replay = output.replay = stack.enter_context(server)
        except OSError as error:
            _exit_with(f"port {port}: {_reason(error)}. Choose another port, or 0 for a free one.")
        try:
            # A shell makes the background processes of a script ignore Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            output.print_start(_startup_message(tape, replay, running.addresses))
            Event().wait()
        except KeyboardInterrupt:
            # Under make, or on an impatient keyboard, there may be a second one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for line in _closing_summary(replay):
                output.print_line(line)
            raise


class ServerOutput:
    """Prints to stdout, and never waits for its reader: the server must go on."""

    def __init__(self) -> None:
        self._skipped = 0
        self.replay: ReplayServer | None = None

    def log(self, exchange: Exchange) -> None:
        """Print a line about an exchange that has ended."""
        self.print_line(_describe_exchange(exchange, self.replay.refusals if self.replay else ()))

    def print_start(self, message: str) -> None:
        """Print the address. Raises `SystemExit` with code 2 if it cannot be printed."""
        try:
            if sys.stdout is None or isinstance(sys.stdout, ClosedStream):
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            # One write: a reader that leaves after the address has got all of it.
            print(f"{message}\n", end="", flush=True)
        except OSError as error:
            discard_output()
            _exit_with(
                f"stdout: {_reason(error)}, so the address cannot be printed."
                " Leave stdout open; to see no output, choose a --port and add >/dev/null."
            )

    def print_line(self, line: str) -> None:
        """Print a line, unless the reader of a pipe is so far behind that it would block."""
        try:
            if not select.select([], [sys.stdout], [], 0)[1]:
                self._skipped += 1
                return
            if self._skipped:
                print(f"… {self._skipped} lines were not printed, as nobody read them")
                self._skipped = 0
            print(line, flush=True)
        except OSError as error:
            discard_output()
            print(f"stdout: {_reason(error)}; serving goes on without output", file=sys.stderr)


def _exit_with(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(2)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _startup_message(tape: Tape, replay: ReplayServer, services: Iterable[str]) -> str:
    forwarded = "".join(
        f"  {replay.service_url(name)}  the service {name}, in its own process\n"
        for name in services
    )
    return (
        f"serving {count_of(len(tape.lines), 'line')} of {tape.file},"
        f" lanes: {list_words(tape.lanes)}\n"
        f"  export OPENAI_BASE_URL={replay.base_url} OPENAI_API_KEY=taped\n"
        f"  curl {replay.url}/ledger  shows the exchanges\n"
        f"  curl -X POST {replay.url}/rewind  plays the tape from its start again\n"
        f"{forwarded}"
        "Each line is played once. Press Ctrl-C to stop."
    )


def _describe_exchange(exchange: Exchange, refusals: Sequence[RequestRefusedError]) -> str:
    """Return a line about a request: its lane and call, the answer, and why it is not complete."""
    answer = str(exchange.status or "no answer")
    if exchange.line is not None:
        answer += f", line {exchange.line}"
    if exchange.fault is not None:
        answer += f", fault {exchange.fault}"
    elif exchange.status and exchange.status >= 400 and exchange.line is None:
        own = [str(one).partition("\n")[0] for one in refusals if one.lane == exchange.lane]
        answer += f": {own[-1]}" if own else ""
    elif not exchange.delivered:
        answer += ", the client did not receive all of it"
    return f"{exchange.lane} call {exchange.call}: {answer}"


def _closing_summary(replay: ReplayServer) -> Iterator[str]:
    exchanges, unplayed = len(replay.ledger.exchanges), replay.unplayed_lines
    yield f"\n{count_of(exchanges, 'exchange')}, {len(replay.refusals)} of them refused"
    yield from (f"  unplayed: {line}" for line in unplayed[:MAX_LISTED_LINES])
    if len(unplayed) > MAX_LISTED_LINES:
        yield f"  … {len(unplayed)} unplayed lines in total"
    yield from (f"  drift: {drift}" for drift in replay.drift)
