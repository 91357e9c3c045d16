"""A cell: a set of versions that cases are played in, told by how it differs from its base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.environments import requirements as lines
from integrations.environments.build import Environment, build_environment
from integrations.environments.lock_file import PROJECT_LOCK, LockFile

FRAMEWORK_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "crewai": ("crewai",),
    "autogen": ("autogen-agentchat", "autogen-core", "autogen-ext[openai]"),
    "openai": (),
}
"""What each framework consists of. The client of openai is in every cell, for all of them use it:
at the lock's version where the frameworks' own requirements allow that."""
RELEASE_FAMILIES = (
    ("mlflow", "mlflow-skinny", "mlflow-tracing"),
    FRAMEWORK_PACKAGES["crewai"],
    ("autogen-agentchat", "autogen-core", "autogen-ext"),
)
"""Packages of one release: a cell that names one of them moves them all."""
UNPINNED_PACKAGES = ("openai", "httpx", "packaging", "opentelemetry-exporter-otlp-proto-http")
"""What is asked for at no certain version: most of it for our own instrumentation."""
AUTOLOGS = ("plain autolog", "autolog of both")
FRAMEWORK_TELEMETRY = ("its own OpenTelemetry",)


@dataclass(frozen=True)
class EnvironmentSpec:
    """Which requirements differ from its base's lock; with none of them it is the lock's own set.

    `newest` takes no version from the lock. `conflict` says that its requirements exclude each
    other, which is what it is there to show. `note` says what is to be seen in it.
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
        """Whether it is the environment of the lock, which stands already."""
        return not self.requirements and not self.ignores_lock

    def all_requirements(self, pins: Mapping[str, str]) -> tuple[str, ...]:
        """All of its requirements: its own, and what its base consists of as `pins` has it."""
        own = {lines.package_name(lines.parse_requirement(line)) for line in self.requirements}
        moved = {each for family in RELEASE_FAMILIES if own & set(family) for each in family} | own
        pinned = (
            _pin(part, {} if self.ignores_lock else pins, moved) for part in self._base_packages()
        )
        return (*pinned, *UNPINNED_PACKAGES, *self.requirements)

    def _base_packages(self) -> tuple[str, ...]:
        """MLflow and the frameworks, or what another's instrumentor is locked with; of frameworks
        that are not played, nothing: they would hold back what they share with the others."""
        if not self.lock_file.environment_name:
            return (
                "mlflow",
                *(part for each in self.frameworks for part in FRAMEWORK_PACKAGES[each]),
            )
        others = FRAMEWORK_PACKAGES.keys() - set(self.frameworks)
        left = {*UNPINNED_PACKAGES, *(part for each in others for part in FRAMEWORK_PACKAGES[each])}
        return tuple(each for each in self.lock_file.requested_packages() if each not in left)

    def build(self) -> Environment:
        """Its environment, built if it is not there. Raises `NotInstallable`, `NoRequirement`."""
        if self.is_locked:
            return self.lock_file.find_environment()
        prefer = None if self.ignores_lock else self.lock_file.path
        return build_environment(
            self.name, self.all_requirements(self.lock_file.pins()), preferred_lock=prefer
        )


def spec_from_requirements(
    requirements: Sequence[str], lock_file: LockFile = PROJECT_LOCK
) -> EnvironmentSpec:
    """The cell of a person who names requirements: what they concern is played, else everything.

    Raises `NoRequirement`.
    """
    named = [lines.package_name(lines.parse_requirement(line)) for line in requirements]
    concerned = tuple(
        framework
        for framework, packages in FRAMEWORK_PACKAGES.items()
        if any(_belongs_to(name, (framework, *packages)) for name in named)
    )
    told = ", ".join(map(lines.display_requirement, map(lines.parse_requirement, requirements)))
    return EnvironmentSpec(
        told,
        tuple(requirements),
        concerned or tuple(FRAMEWORK_PACKAGES),
        lock_file.instrumentors,
        note="asked for",
        lock_file=lock_file,
    )


def _belongs_to(name: str, packages: Sequence[str]) -> bool:
    """Whether it is one of a framework's, or instruments it; openai's client all of them use."""
    bare = [each.partition("[")[0] for each in packages]
    return name in bare or any(name.endswith(f"-{each}") for each in bare if each != "openai")


def _pin(part: str, pins: Mapping[str, str], moved: set[str]) -> str:
    bare = part.partition("[")[0]
    return part if bare in moved or bare not in pins else f"{part}=={pins[bare]}"
