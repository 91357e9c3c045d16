"""What is accepted: what a lock's own cell showed, made the golden of each case."""

from collections.abc import Iterable
from pathlib import Path

from integrations.goldens.golden_file import GOLDENS, Golden, place, read, write
from integrations.instrumentors.names import DECLARED
from integrations.matrix.matrix import Flown
from integrations.runner.case_result import Row


class NotAccepted(Exception):
    """Raised when what was seen cannot be a golden; says why."""


def accept(flown: Flown, goldens: Path = GOLDENS) -> tuple[Path, ...]:
    """Write the goldens of what was flown; returns the files that changed.

    That a tree or a prompt changed is what accepting is for. A case that went otherwise than it
    says, or a gap that is not as it is declared, is refused: no golden must make it look right.
    What other instrumentors told, which were not flown, stays; and so does what was asked, where
    it is another's that was. Raises `NotAccepted`.
    """
    refusals = [trouble for each in flown.gaps for trouble in each.troubles]
    refusals += [trouble for each in flown.held for trouble in each.troubles]
    refusals += [f"{each.case.name}: {each.trouble}" for each in flown.rows if each.trouble]
    if refusals:
        raise NotAccepted(f"nothing of {flown.cell.name} was accepted:\n" + "\n".join(refusals))
    by_case: dict[Path, list[Row]] = {}
    for each in flown.rows:
        if not each.absent:
            path = place(each.case.framework, each.case.name, goldens)
            by_case.setdefault(path, []).append(each)
    return tuple(path for path, rows in by_case.items() if write(path, _golden(path, rows)))


def _golden(path: Path, rows: Iterable[Row]) -> Golden:
    golden = read(path) if path.is_file() else Golden()
    for each in rows:
        stays = each.instrumentor not in DECLARED and golden.asked
        asked = golden.asked if stays else each.asked
        golden = Golden(asked, golden.shapes).told(each.instrumentor, each.shapes)
    return golden
