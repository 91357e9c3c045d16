"""A live endpoint for recordings: a replay server that answers any program, whatever its lane."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from scenarios.replay.replay_server import ReplayServer, replay_tape
from tests.support.tapes import make_tape

ANY_AGENT = {"lanes": {"live": {"when": "."}}}
"""A header: every request that names no agent is in the lane `live`."""


@contextmanager
def live_endpoint(*lines: dict[str, Any]) -> Generator[ReplayServer]:
    """Answer from these scripted lines, each once, in the lane `live`."""
    with replay_tape(make_tape(ANY_AGENT, *(line | {"lane": "live"} for line in lines))) as live:
        yield live
