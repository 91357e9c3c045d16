"""A base: the versions that a cell differs from, our lock's or those of another's instrumentor."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from integrations.environments import requirements as lines
from integrations.environments.build import Environment, locked, standing
from integrations.environments.requirements import NoRequirement
from integrations.environments.resolution import LOCK
from integrations.instrumentors.registry import COLUMNS

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Base:
    """`stands` is the name of its environment, as `make NAME-env` builds it, and empty for .venv.

    `instrumentors` are those that can be turned on there.
    """

    stands: str
    instrumentors: tuple[str, ...]

    @property
    def lock(self) -> Path:
        return FOLDER / f"{self.stands}.lock" if self.stands else LOCK

    def pins(self) -> dict[str, str]:
        """The version of each package of it, by name."""
        return lines.versions(self.lock.read_text("utf-8").splitlines())

    def parts(self) -> tuple[str, ...]:
        """What was asked for as the environment of another's instrumentor was locked, with extras
        and at no version."""
        asked = self.lock.with_suffix(".in").read_text("utf-8").splitlines()
        return tuple(line.partition("==")[0] for line in asked)

    @property
    def renewal(self) -> str:
        """How the lock gets to another version of what it pins, as a person is told it."""
        if not self.stands:
            return "require it in pyproject.toml, make lock"
        return f"pin it in integrations/environments/{self.stands}.in, lock that anew"

    def environment(self) -> Environment:
        """The one with all that the lock pins. Raises `NotInstallable` where it was not built."""
        return standing(self.stands) if self.stands else locked()


HOUSE = Base("", tuple(column.name for column in COLUMNS if not column.stands))
"""Its instrumentors need no package beside MLflow and the frameworks. Ours is for the versions that
its patches name, and says so elsewhere."""
OTHERS = tuple(Base(column.stands, (column.name,)) for column in COLUMNS if column.stands)
BASES = (HOUSE, *OTHERS)


def base(names: Collection[str], instrumentors: Collection[str]) -> Base:
    """That of packages, by their names, and of the instrumentors that are asked for, if any are.

    A package that our own lock does not pin belongs to whose lock does. Raises `NoRequirement`
    where they are of several, or no lock has them all.
    """
    fit = [each for each in BASES if set(instrumentors) <= set(each.instrumentors)]
    if not fit:
        raise NoRequirement(
            f"no one environment has {', '.join(instrumentors)}: there are, by environment,"
            f" {_told(BASES)}"
        )
    for name in names:
        having = [each for each in BASES if name in each.pins()]
        if having and not (fit_with := [each for each in fit if each in having]):
            raise NoRequirement(
                f"{name} is a package of {_told(having)}, and what else is named is of"
                f" {_told(fit)}: name what is of one"
            )
        fit = fit_with if having else fit
    if HOUSE in fit or len(fit) == 1:
        return fit[0]
    raise NoRequirement(
        f"{', '.join(names)} is a package of {_told(fit)}: say which with --instrumentor"
    )


def _told(bases: Iterable[Base]) -> str:
    return "; ".join(", ".join(each.instrumentors) for each in bases)
