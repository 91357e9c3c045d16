"""What would have been caught: the regressions, flown on their bad and on their good side."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from integrations.cases.case import Case
from integrations.environments.build_result import Stood, stood
from integrations.matrix.matrix import AT_ONCE
from integrations.regressions.regression import Caught, Regression, Side, measured
from integrations.runner.case_result import Row
from integrations.runner.jobs import Landed, Progress, Sortie, Tower

Flight = tuple[Side, str]
"""What is flown together: all cases of one framework on one side."""


def caught(regressions: Sequence[Regression], progress: Progress) -> list[Caught]:
    """Fly both sides of each. What several regressions fly alike is flown once."""
    wanted = _wanted(regressions)
    cells = list({side.cell.name: side.cell for side, _ in wanted}.values())
    tower = Tower(progress)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            stand = pool.map(partial(stood, progress=progress), cells)
            at = {one.cell.name: one for one in stand}
            flying = {
                flight: pool.submit(tower.flown, sortie)
                for flight, cases in wanted.items()
                if (sortie := _sortie(at[flight[0].cell.name], flight[0], cases))
            }
            landed = {flight: future.result() for flight, future in flying.items()}
        finally:
            tower.close()
            pool.shutdown(cancel_futures=True)
    return [_caught(each, landed, at) for each in regressions]


def _wanted(regressions: Iterable[Regression]) -> dict[Flight, list[Case]]:
    wanted: dict[Flight, list[Case]] = {}
    for each in regressions:
        for side in (each.bad, each.good):
            cases = wanted.setdefault((side, each.case.framework), [])
            if each.case not in cases:
                cases.append(each.case)
    return wanted


def _sortie(at: Stood, side: Side, cases: Sequence[Case]) -> Sortie | None:
    if at.environment is None:
        return None
    return Sortie(side.cell.name, at.environment.python, side.instrumentor, tuple(cases))


def _caught(
    regression: Regression, landed: Mapping[Flight, Landed], at: Mapping[str, Stood]
) -> Caught:
    sides = (regression.bad, regression.good)
    rows = [_row(regression.case, landed.get((each, regression.case.framework))) for each in sides]
    bad, good = (measured(row, regression.measures) if row else {} for row in rows)
    troubles = [
        f"{side}: {trouble}"
        for side, row in zip(sides, rows, strict=True)
        if (trouble := row.trouble or row.absent if row else at[side.cell.name].why_not)
    ]
    bad_at, good_at = (at[side.cell.name].packages for side in sides)
    return Caught(regression, bad, good, (bad_at, good_at), "; ".join(troubles))


def _row(case: Case, landed: Landed | None) -> Row | None:
    rows = landed.rows if landed else ()
    return next((row for row in rows if row.case == case), None)
