"""Accept: make what was seen the golden, and write all that is produced from it."""

from collections.abc import Iterator
from pathlib import Path

from instrumentation.trace.canonical_json import dumps, read
from instrumentation.trace.outline import outline
from scenarios.atomic_write import write
from scenarios.player.scenario_loader import Folder, folder, load, names
from scenarios.player.verdict import Verdict
from scenarios.reports import generated_pages


class NotAccepted(Exception):
    """Raised when a run cannot be made golden, because it was no sound run of its scenario."""


def accept(verdict: Verdict) -> tuple[Path, ...]:
    """Write the recorded traces and goldens of a verdict; returns the files that changed.

    Drift is what accepting is for. Anything else that failed is refused: a golden must not make a
    broken expectation look right.
    """
    refusals = [*verdict.troubles]
    for seen in verdict.variants:
        refusals += [f"{seen.variant}: {trouble}" for trouble in seen.troubles]
        refusals += [
            f"{seen.variant}: {j.says}; but {j.why_not}" for j in seen.judgements if not j.held
        ]
    if refusals:
        raise NotAccepted(f"{verdict.scenario} was not accepted:\n" + "\n".join(refusals))
    place = folder(verdict.scenario)
    return tuple(path for path, text in _written(verdict, place) if _changed(path, text))


def stale() -> tuple[Path, ...]:
    """Every produced file that is not what its sources make of it."""
    return tuple(
        path for path, text in (*generated_pages.pages(), *_outlines()) if not _reads(path, text)
    )


def produce() -> tuple[Path, ...]:
    """Write every page that is produced from sources and recorded traces; returns those changed."""
    return tuple(path for path, text in generated_pages.pages() if _changed(path, text))


def _outlines() -> Iterator[tuple[Path, str]]:
    """Every golden, and the outline of the recorded trace that it was accepted with."""
    for name in names():
        place = folder(name)
        for variant, _, _ in load(name).variants():
            yield place.golden(variant), outline(read(place.recorded(variant)))


def _written(verdict: Verdict, place: Folder) -> list[tuple[Path, str]]:
    written = []
    for seen in verdict.variants:
        if seen.trace:
            written.append((place.golden(seen.variant), outline(seen.trace)))
            written.append((place.recorded(seen.variant), dumps(seen.trace)))
    return written


def _changed(path: Path, text: str) -> bool:
    if _reads(path, text):
        return False
    write(path, text)
    return True


def _reads(path: Path, text: str) -> bool:
    """Whether the file is there and says this, and no byte else."""
    return path.is_file() and path.read_bytes() == text.encode()
