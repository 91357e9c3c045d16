"""Stale prompt: a version of a prompt is loaded that is not the one released last."""

from collections.abc import Iterator

from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.trace_reading import TraceReading

MODE = "stale prompt"
FIX = "Move the alias when a version is released, and check afterwards what the alias names."
VERSION_ATTRIBUTE = "flight_recorder.prompt.version"
RELEASED_VERSION_ATTRIBUTE = "flight_recorder.prompt.released_version"


def find_stale_prompts(reading: TraceReading) -> Iterator[Finding]:
    """Yield loads of a prompt whose span names another version as the released one.

    A rollback is a release of an older version.
    """
    for load in reading.trace:
        released = load.attributes.get(RELEASED_VERSION_ATTRIBUTE)
        loaded = load.attributes.get(VERSION_ATTRIBUTE)
        if released is None or loaded is None or loaded == released:
            continue
        turn = reading.index.turn(load)
        yield reading.build_finding(
            MODE,
            load,
            FIX,
            0.9,
            quote(load, f"version {loaded}", f"it was loaded; version {released} was released"),
            agent=reading.index.agent(load),
            starts=[turn] if turn else [],
        )
