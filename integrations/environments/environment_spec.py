"""The specification of an environment: how its versions differ from those of a lock file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from integrations.environments.build import Environment, build_environment, find_environment
from integrations.environments.lock_files import PROJECT_LOCK, LockFile
from integrations.environments.requirements import (
    display_requirement,
    package_name,
    parse_requirement,
)
from integrations.environments.uv import InstallError

FRAMEWORK_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "crewai": ("crewai",),
    "autogen": ("autogen-agentchat", "autogen-core", "autogen-ext[openai]"),
    "openai": (),
}
"""The packages of each framework. The openai client is in every environment, because all frameworks
use it: in the lock's version where the frameworks allow that."""
RELEASE_FAMILIES = (
    ("mlflow", "mlflow-skinny", "mlflow-tracing"),
    FRAMEWORK_PACKAGES["crewai"],
    ("autogen-agentchat", "autogen-core", "autogen-ext"),
)
"""Packages that are released together. A requirement for one of them unpins all of them."""
UNPINNED_PACKAGES = ("openai", "httpx", "packaging", "opentelemetry-exporter-otlp-proto-http")
"""Packages required in any version, most of them for our own instrumentation."""


@dataclass(frozen=True)
class EnvironmentSpec:
    """A set of versions in which cases run.

    Attributes:
        requirements: Requirements that replace pins of the lock file; none for the lock's own set.
        frameworks: The frameworks whose cases run in it.
        instrumentors: The instrumentors under which they run.
        note: What is special about it.
        ignores_lock: Whether the newest versions are taken instead of the lock's.
        expects_conflict: Whether the installation is expected to fail, because the requirements
            contradict each other.
        lock_file: The lock file that it starts from.
    """

    name: str
    requirements: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = tuple(FRAMEWORK_PACKAGES)
    instrumentors: tuple[str, ...] = PROJECT_LOCK.instrumentors
    note: str = ""
    ignores_lock: bool = False
    expects_conflict: bool = False
    lock_file: LockFile = PROJECT_LOCK

    @property
    def is_locked(self) -> bool:
        """Whether it is the lock file's own set, whose environment exists already."""
        return not self.requirements and not self.ignores_lock

    def all_requirements(self, pins: Mapping[str, str]) -> tuple[str, ...]:
        """Return its own requirements, and the packages of its lock file as `pins` has them."""
        own = {package_name(parse_requirement(line)) for line in self.requirements}
        related = {each for family in RELEASE_FAMILIES if own & set(family) for each in family}
        unpinned = related | own
        versions = {} if self.ignores_lock else pins
        pinned = (_pin(package, versions, unpinned) for package in self._base_packages())
        return (*pinned, *UNPINNED_PACKAGES, *self.requirements)

    def _base_packages(self) -> tuple[str, ...]:
        """Return MLflow and the frameworks, or what another instrumentor's lock requires.

        Frameworks whose cases do not run are left out, because their requirements would limit the
        versions of the others.
        """
        if not self.lock_file.environment_name:
            frameworks = (FRAMEWORK_PACKAGES[each] for each in self.frameworks)
            return ("mlflow", *(package for packages in frameworks for package in packages))
        unused = FRAMEWORK_PACKAGES.keys() - set(self.frameworks)
        left_out = {*UNPINNED_PACKAGES, *(p for each in unused for p in FRAMEWORK_PACKAGES[each])}
        return tuple(p for p in self.lock_file.requested_packages() if p not in left_out)

    def build(self) -> Environment:
        """Return the environment, built if it does not exist.

        Raises:
            InstallError: It cannot be built, or is a lock's own and has not been built.
            RequirementError: A line is not a requirement.
        """
        if self.is_locked:
            return find_environment(self.lock_file.environment_name)
        preferred_lock = None if self.ignores_lock else self.lock_file.path
        requirements = self.all_requirements(self.lock_file.pins())
        return build_environment(self.name, requirements, preferred_lock=preferred_lock)


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
        return BuildResult(spec, None, str(error))
    if not spec.is_locked:
        on_progress(f"{spec.name}: built ({environment.build_s:.0f} s)")
    return BuildResult(spec, environment)


def spec_from_requirements(
    requirements: Sequence[str], lock_file: LockFile = PROJECT_LOCK
) -> EnvironmentSpec:
    """Return the specification for requirements that a person names.

    Only the frameworks that they concern are run; all of them if they concern none.

    Raises:
        RequirementError: A line is not a requirement.
    """
    parsed = [parse_requirement(line) for line in requirements]
    names = [package_name(each) for each in parsed]
    concerned = tuple(
        framework
        for framework, packages in FRAMEWORK_PACKAGES.items()
        if any(_belongs_to(name, (framework, *packages)) for name in names)
    )
    return EnvironmentSpec(
        name=", ".join(map(display_requirement, parsed)),
        requirements=tuple(requirements),
        frameworks=concerned or tuple(FRAMEWORK_PACKAGES),
        instrumentors=lock_file.instrumentors,
        note="given on the command line",
        lock_file=lock_file,
    )


def _belongs_to(name: str, packages: Sequence[str]) -> bool:
    """Whether a package is one of these, or instruments one (but for openai, which all use)."""
    bare = [each.partition("[")[0] for each in packages]
    return name in bare or any(name.endswith(f"-{each}") for each in bare if each != "openai")


def _pin(package: str, pins: Mapping[str, str], unpinned: set[str]) -> str:
    bare = package.partition("[")[0]
    is_pinned = bare in pins and bare not in unpinned
    return f"{package}=={pins[bare]}" if is_pinned else package
