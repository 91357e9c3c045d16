"""What stands: a cell before anything is flown in it, with its environment, or why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.environments.build import Environment
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.environments.uv import InstallError
from integrations.runner.jobs import OnProgress


@dataclass(frozen=True)
class BuildResult:
    """A cell, and its environment, or the resolver's reason."""

    spec: EnvironmentSpec
    environment: Environment | None
    error: str = ""

    @property
    def packages(self) -> Mapping[str, str]:
        """The versions there, by name."""
        return self.environment.packages if self.environment else {}


def try_build(spec: EnvironmentSpec, on_progress: OnProgress) -> BuildResult:
    """Its environment, or why there is none."""
    try:
        environment = spec.build()
    except InstallError as error:
        on_progress(f"{spec.name}: not installable")
        return BuildResult(spec, None, error.reason)
    if not spec.is_locked:
        on_progress(f"{spec.name}: built ({environment.took_s:.0f} s)")
    return BuildResult(spec, environment)
