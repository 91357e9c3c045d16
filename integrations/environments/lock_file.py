"""A base: the versions that a cell differs from, our lock's or those of another's instrumentor."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from integrations.environments import requirements as lines
from integrations.environments.build import Environment, current_environment, prebuilt_environment
from integrations.environments.requirements import RequirementError
from integrations.environments.resolution import PROJECT_LOCK_PATH
from integrations.instrumentors.registry import INSTRUMENTORS

LOCKS_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class LockFile:
    """`stands` is the name of its environment, as `make NAME-env` builds it, and empty for .venv.

    `instrumentors` are those that can be turned on there.
    """

    environment_name: str
    instrumentors: tuple[str, ...]

    @property
    def path(self) -> Path:
        return (
            LOCKS_FOLDER / f"{self.environment_name}.lock"
            if self.environment_name
            else PROJECT_LOCK_PATH
        )

    def pins(self) -> dict[str, str]:
        """The version of each package of it, by name."""
        return lines.pinned_versions(self.path.read_text("utf-8").splitlines())

    def requested_packages(self) -> tuple[str, ...]:
        """What was asked for as the environment of another's instrumentor was locked, with extras
        and at no version."""
        asked = self.path.with_suffix(".in").read_text("utf-8").splitlines()
        return tuple(line.partition("==")[0] for line in asked)

    @property
    def update_instructions(self) -> str:
        """How the lock gets to another version of what it pins, as a person is told it."""
        if not self.environment_name:
            return "require it in pyproject.toml, make lock"
        return f"pin it in integrations/environments/{self.environment_name}.in, lock that anew"

    def find_environment(self) -> Environment:
        """The one with all that the lock pins. Raises `NotInstallable` where it was not built."""
        return (
            prebuilt_environment(self.environment_name)
            if self.environment_name
            else current_environment()
        )


PROJECT_LOCK = LockFile(
    "", tuple(column.name for column in INSTRUMENTORS if not column.environment_name)
)
"""Its instrumentors need no package beside MLflow and the frameworks. Ours is for the versions that
its patches name, and says so elsewhere."""
INSTRUMENTOR_LOCKS = tuple(
    LockFile(column.environment_name, (column.name,))
    for column in INSTRUMENTORS
    if column.environment_name
)
LOCK_FILES = (PROJECT_LOCK, *INSTRUMENTOR_LOCKS)


def find_lock_file(names: Collection[str], instrumentors: Collection[str]) -> LockFile:
    """That of packages, by their names, and of the instrumentors that are asked for, if any are.

    A package that our own lock does not pin belongs to whose lock does. Raises `NoRequirement`
    where they are of several, or no lock has them all.
    """
    fit = [each for each in LOCK_FILES if set(instrumentors) <= set(each.instrumentors)]
    if not fit:
        raise RequirementError(
            f"no one environment has {', '.join(instrumentors)}: there are, by environment,"
            f" {_list_instrumentors(LOCK_FILES)}"
        )
    for name in names:
        having = [each for each in LOCK_FILES if name in each.pins()]
        if having and not (fit_with := [each for each in fit if each in having]):
            raise RequirementError(
                f"{name} is a package of {_list_instrumentors(having)}, and what else is named is of"
                f" {_list_instrumentors(fit)}: name what is of one"
            )
        fit = fit_with if having else fit
    if PROJECT_LOCK in fit or len(fit) == 1:
        return fit[0]
    raise RequirementError(
        f"{', '.join(names)} is a package of {_list_instrumentors(fit)}: say which with --instrumentor"
    )


def _list_instrumentors(lock_files: Iterable[LockFile]) -> str:
    return "; ".join(", ".join(each.instrumentors) for each in lock_files)
