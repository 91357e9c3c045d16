"""A cell: a set of versions that cases are played in, told by how it differs from its base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.environments import requirements as lines
from integrations.environments.build import Environment, built
from integrations.environments.lock_file import HOUSE, Base

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "crewai": ("crewai",),
    "autogen": ("autogen-agentchat", "autogen-core", "autogen-ext[openai]"),
    "openai": (),
}
"""What each framework consists of. The client of openai is in every cell, for all of them use it:
at the lock's version where the frameworks' own requirements allow that."""
FAMILIES = (
    ("mlflow", "mlflow-skinny", "mlflow-tracing"),
    PACKAGES["crewai"],
    ("autogen-agentchat", "autogen-core", "autogen-ext"),
)
"""Packages of one release: a cell that names one of them moves them all."""
BESIDES = ("openai", "httpx", "packaging", "opentelemetry-exporter-otlp-proto-http")
"""What is asked for at no certain version: most of it for our own instrumentation."""
AUTOLOGS = ("plain autolog", "autolog of both")
OWN = ("its own OpenTelemetry",)


@dataclass(frozen=True)
class Cell:
    """Which requirements differ from its base's lock; with none of them it is the lock's own set.

    `newest` takes no version from the lock. `conflict` says that its requirements exclude each
    other, which is what it is there to show. `note` says what is to be seen in it.
    """

    name: str
    requirements: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = tuple(PACKAGES)
    instrumentors: tuple[str, ...] = HOUSE.instrumentors
    note: str = ""
    newest: bool = False
    conflict: bool = False
    base: Base = HOUSE

    @property
    def locked(self) -> bool:
        """Whether it is the environment of the lock, which stands already."""
        return not self.requirements and not self.newest

    def wanted(self, pins: Mapping[str, str]) -> tuple[str, ...]:
        """All of its requirements: its own, and what its base consists of as `pins` has it."""
        own = {lines.name(lines.read(line)) for line in self.requirements}
        moved = {each for family in FAMILIES if own & set(family) for each in family} | own
        pinned = (_pinned(part, {} if self.newest else pins, moved) for part in self._parts())
        return (*pinned, *BESIDES, *self.requirements)

    def _parts(self) -> tuple[str, ...]:
        """MLflow and the frameworks, or what another's instrumentor is locked with; of frameworks
        that are not played, nothing: they would hold back what they share with the others."""
        if not self.base.stands:
            return ("mlflow", *(part for each in self.frameworks for part in PACKAGES[each]))
        others = PACKAGES.keys() - set(self.frameworks)
        left = {*BESIDES, *(part for each in others for part in PACKAGES[each])}
        return tuple(each for each in self.base.parts() if each not in left)

    def environment(self) -> Environment:
        """Its environment, built if it is not there. Raises `NotInstallable`, `NoRequirement`."""
        if self.locked:
            return self.base.environment()
        prefer = None if self.newest else self.base.lock
        return built(self.name, self.wanted(self.base.pins()), prefer=prefer)


def asked(requirements: Sequence[str], base: Base = HOUSE) -> Cell:
    """The cell of a person who names requirements: what they concern is played, else everything.

    Raises `NoRequirement`.
    """
    named = [lines.name(lines.read(line)) for line in requirements]
    concerned = tuple(
        framework
        for framework, packages in PACKAGES.items()
        if any(_concerns(name, (framework, *packages)) for name in named)
    )
    told = ", ".join(map(lines.told, map(lines.read, requirements)))
    return Cell(
        told,
        tuple(requirements),
        concerned or tuple(PACKAGES),
        base.instrumentors,
        note="asked for",
        base=base,
    )


def _concerns(name: str, packages: Sequence[str]) -> bool:
    """Whether it is one of a framework's, or instruments it; openai's client all of them use."""
    bare = [each.partition("[")[0] for each in packages]
    return name in bare or any(name.endswith(f"-{each}") for each in bare if each != "openai")


def _pinned(part: str, pins: Mapping[str, str], moved: set[str]) -> str:
    bare = part.partition("[")[0]
    return part if bare in moved or bare not in pins else f"{part}=={pins[bare]}"
