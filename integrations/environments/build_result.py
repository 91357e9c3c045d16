"""What stands: a cell before anything is flown in it, with its environment, or why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.environments.build import Environment
from integrations.environments.environment_spec import Cell
from integrations.environments.uv import NotInstallable
from integrations.runner.jobs import Progress


@dataclass(frozen=True)
class Stood:
    """A cell, and its environment, or the resolver's reason."""

    cell: Cell
    environment: Environment | None
    why_not: str = ""

    @property
    def packages(self) -> Mapping[str, str]:
        """The versions there, by name."""
        return self.environment.packages if self.environment else {}


def stood(cell: Cell, progress: Progress) -> Stood:
    """Its environment, or why there is none."""
    try:
        environment = cell.environment()
    except NotInstallable as error:
        progress(f"{cell.name}: not installable")
        return Stood(cell, None, error.reason)
    if not cell.locked:
        progress(f"{cell.name}: built ({environment.took_s:.0f} s)")
    return Stood(cell, environment)
