"""Accept: make what was seen the golden, and write all that is produced from it."""

from collections.abc import Iterator
from pathlib import Path

from instrumentation.trace.canonical_json import dump_trace, load_trace
from instrumentation.trace.outline import render_outline
from scenarios.atomic_write import write_atomically
from scenarios.player.scenario_loader import (
    ScenarioFolder,
    load_scenario,
    scenario_folder,
    scenario_names,
)
from scenarios.player.verdict import Verdict
from scenarios.reports import generated_pages


class AcceptanceError(Exception):
    """Raised when a run cannot be made golden, because it was no sound run of its scenario."""


def accept(verdict: Verdict) -> tuple[Path, ...]:
    """Write the recorded traces and goldens of a verdict; returns the files that changed.

    Drift is what accepting is for. Anything else that failed is refused: a golden must not make a
    broken expectation look right.
    """
    refusals = [*verdict.problems]
    for result in verdict.variants:
        refusals += [f"{result.variant}: {problem}" for problem in result.problems]
        refusals += [
            f"{result.variant}: {j.description}; but {j.failure}"
            for j in result.expectation_results
            if not j.passed
        ]
    if refusals:
        raise AcceptanceError(f"{verdict.scenario} was not accepted:\n" + "\n".join(refusals))
    place = scenario_folder(verdict.scenario)
    return tuple(
        path for path, text in _files_of_verdict(verdict, place) if _write_if_changed(path, text)
    )


def find_stale_files() -> tuple[Path, ...]:
    """Every produced file that is not what its sources make of it."""
    return tuple(
        path
        for path, text in (*generated_pages.generate_pages(), *_golden_outlines())
        if not _has_text(path, text)
    )


def write_pages() -> tuple[Path, ...]:
    """Write every page that is produced from sources and recorded traces; returns those changed."""
    return tuple(
        path for path, text in generated_pages.generate_pages() if _write_if_changed(path, text)
    )


def _golden_outlines() -> Iterator[tuple[Path, str]]:
    """Every golden, and the outline of the recorded trace that it was accepted with."""
    for name in scenario_names():
        place = scenario_folder(name)
        for variant, _, _ in load_scenario(name).variants():
            yield place.golden(variant), render_outline(load_trace(place.recorded_trace(variant)))


def _files_of_verdict(verdict: Verdict, folder: ScenarioFolder) -> list[tuple[Path, str]]:
    written = []
    for seen in verdict.variants:
        if seen.trace:
            written.append((folder.golden(seen.variant), render_outline(seen.trace)))
            written.append((folder.recorded_trace(seen.variant), dump_trace(seen.trace)))
    return written


def _write_if_changed(path: Path, text: str) -> bool:
    if _has_text(path, text):
        return False
    write_atomically(path, text)
    return True


def _has_text(path: Path, text: str) -> bool:
    """Whether the file is there and says this, and no byte else."""
    return path.is_file() and path.read_bytes() == text.encode()
