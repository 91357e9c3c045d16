"""The result of building an environment: the environment, or the resolver's reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integrations.environments.build import Environment
from integrations.environments.environment_spec import EnvironmentSpec
from integrations.environments.uv import InstallError


@dataclass(frozen=True)
class BuildResult:
    """A specification with its environment, or with the error that it cannot be built for."""

    spec: EnvironmentSpec
    environment: Environment | None
    error: str = ""

    @property
    def packages(self) -> Mapping[str, str]:
        """Installed versions by name."""
        return self.environment.packages if self.environment else {}


def try_build(spec: EnvironmentSpec, on_progress: Callable[[str], None]) -> BuildResult:
    """Build an environment and report the outcome to `on_progress`."""
    try:
        environment = spec.build()
    except InstallError as error:
        on_progress(f"{spec.name}: not installable")
        return BuildResult(spec, None, error.reason)
    if not spec.is_locked:
        on_progress(f"{spec.name}: built ({environment.build_s:.0f} s)")
    return BuildResult(spec, environment)
