"""Accept a run: write its traces, goldens and pages; write all pages; list files out of date."""

from collections.abc import Iterator
from pathlib import Path

from instrumentation.trace.canonical_json import dump_trace, load_trace
from instrumentation.trace.outline import render_outline
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.player.verdict import Verdict
from scenarios.reports import generated_documents
from scenarios.reports.atomic_write import write_atomically


class AcceptanceError(Exception):
    """The run cannot become golden, because an expectation failed or the run had a problem."""


def accept(verdict: Verdict) -> tuple[Path, ...]:
    """Write the recorded traces and goldens of a verdict; returns the files that changed.

    Drift is accepted, nothing else: a golden must not make a failed expectation look right.

    Raises:
        AcceptanceError: An expectation failed, or a variant or the scenario had a problem.
    """
    problems = [*verdict.problems]
    for result in verdict.variants:
        problems += [f"{result.variant}: {problem}" for problem in result.problems]
        problems += [
            f"{result.variant}: {one.description}; but {one.failure}"
            for one in result.expectation_results
            if not one.passed
        ]
    if problems:
        raise AcceptanceError(f"{verdict.scenario} was not accepted:\n" + "\n".join(problems))
    return tuple(path for path, text in _files_of(verdict) if _write_if_changed(path, text))


def find_stale_files() -> tuple[Path, ...]:
    """The generated files that differ from what their sources produce."""
    expected = (*generated_documents.generate_pages(), *_golden_outlines())
    return tuple(path for path, text in expected if not _has_text(path, text))


def write_pages() -> tuple[Path, ...]:
    """Write all generated pages; returns the files that changed."""
    pages = generated_documents.generate_pages()
    return tuple(path for path, text in pages if _write_if_changed(path, text))


def _golden_outlines() -> Iterator[tuple[Path, str]]:
    """Each golden with the outline of the recorded trace beside it."""
    for name in scenario_names():
        folder = scenario_folder(name)
        for variant, _, _ in load_scenario(name).variants():
            yield folder.golden(variant), render_outline(load_trace(folder.recorded_trace(variant)))


def _files_of(verdict: Verdict) -> list[tuple[Path, str]]:
    """The golden and the recorded trace of each variant."""
    folder = scenario_folder(verdict.scenario)
    files = []
    for result in verdict.variants:
        if result.trace:
            files.append((folder.golden(result.variant), render_outline(result.trace)))
            files.append((folder.recorded_trace(result.variant), dump_trace(result.trace)))
    return files


def _write_if_changed(path: Path, text: str) -> bool:
    if _has_text(path, text):
        return False
    write_atomically(path, text)
    return True


def _has_text(path: Path, text: str) -> bool:
    """Whether the file exists and is exactly this text, byte by byte."""
    return path.is_file() and path.read_bytes() == text.encode()
