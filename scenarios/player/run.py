"""Play: run a scenario's variants against its tape, offline, and judge the traces they leave."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import unified_diff
from importlib import import_module
from typing import Any

from instrumentation.trace import trace as traces
from instrumentation.trace.outline import outline
from instrumentation.trace.trace import NoTrace
from instrumentation.tracing import recorded, traced
from scenarios.player.call_outcome import surprise
from scenarios.player.fidelity import compared
from scenarios.player.scenario_loader import Folder, NoScenario, folder, load
from scenarios.player.scenario_problems import amiss
from scenarios.player.variant_run import Part
from scenarios.player.verdict import Seen, Verdict, judged
from scenarios.replay.ledger import Exchange
from scenarios.replay.replay_server import Replay, replayed
from scenarios.replay.service_processes import Processes, running
from scenarios.tape.tape import Tape

Progress = Callable[[str, Exchange], None]


def play(
    name: str,
    tracking_uri: str,
    *,
    strict: bool = True,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Play every variant of a scenario. Raises `NoScenario` or `TapeError` on what cannot be read.

    With a seed its inputs are drawn, and there is no golden to compare the outlines with.
    `progress` is told of each exchange as it ends, with the name of the variant that is playing.
    """
    scenario, place = load(name), folder(name)
    if seed is not None and not scenario.inputs:
        raise NoScenario(f"{name} has no inputs that a seed could draw; play it without --seed")
    tape = Tape.read(place.tape)
    workflow = resolved(scenario.workflow)
    with traced(tracking_uri), running(scenario.processes, tracking_uri) as processes:
        seen = tuple(
            _played(Part(scenario, *part, seed), workflow, tape, processes, strict, progress)
            for part in scenario.variants()
        )
    if seed is None:
        seen = tuple(_against_golden(variant, place) for variant in seen)
    return Verdict(name, seen, tuple(amiss(scenario, seen, tape, place)))


def resolved(reference: str) -> Callable[..., Any]:
    """The function that an object reference, `package.module:function`, names."""
    module, _, function = reference.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def drift(golden: str, seen: str) -> tuple[str, ...]:
    """How an outline differs from its golden, as the lines of a diff; empty when it does not."""
    return tuple(
        unified_diff(golden.splitlines(), seen.splitlines(), "golden", "seen", lineterm="")
    )


def _played(
    part: Part,
    workflow: Callable[..., Any],
    tape: Tape,
    processes: Processes,
    strict: bool,
    progress: Progress | None,
) -> Seen:
    name = part.name
    tell = (lambda exchange: progress(name, exchange)) if progress else None
    began = time.perf_counter()
    with (
        replayed(
            tape.given(part.inputs),
            part.scenario.faults,
            strict=strict,
            on_exchange=tell,
            forwards=processes.addresses,
        ) as replay,
        recorded(part.tags) as run,
    ):
        went_wrong = asyncio.run(surprise(part.call(workflow, replay), part.variant, replay.ledger))
    took_s = time.perf_counter() - began
    processes.flush()
    troubles = tuple(_troubles(replay, went_wrong))
    unplayed = {line.number for line in replay.unplayed}
    played = frozenset(line.number for line in tape.lines if line.number not in unplayed)
    try:
        trace = traces.from_mlflow(stored.to_dict() for stored in run.traces())
    except NoTrace as absent:
        troubles = (*troubles, str(absent))
        return Seen(name, None, (), part.inputs, troubles=troubles, played=played, took_s=took_s)
    return Seen(
        name,
        trace,
        judged(trace, part.expectations),
        part.inputs,
        compared(replay.ledger, trace),
        tuple(str(change) for change in replay.drift),
        troubles,
        played,
        took_s,
    )


def _troubles(replay: Replay, went_wrong: str | None) -> Iterator[str]:
    """The tape's own refusal comes first, and in place of the error that a framework made of it."""
    if replay.refusals:
        yield from map(str, replay.refusals)
    elif went_wrong:
        yield went_wrong
    for fault in replay.unfired:
        yield f"the fault never came about: {fault}"


def _against_golden(seen: Seen, place: Folder) -> Seen:
    golden = place.golden(seen.variant)
    if seen.trace is None:
        return seen
    if not golden.exists():
        mend = f"python -m scenarios accept {place.path.name}"
        return replace(seen, drift=(*seen.drift, f"no golden yet: read the outline, then `{mend}`"))
    moved = drift(golden.read_text("utf-8"), outline(seen.trace))
    return replace(seen, drift=(*seen.drift, *moved))
