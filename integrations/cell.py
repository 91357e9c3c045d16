"""A cell: a set of versions that cases are played in, told by how it differs from the lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations import requirements as lines
from integrations.environment import Environment, built, locked
from integrations.resolution import LOCK

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
INSTRUMENTORS = (*AUTOLOGS, "ours")
"""Those that need no package beside MLflow and the frameworks. Ours is for the versions that its
patches name, and says so elsewhere."""


@dataclass(frozen=True)
class Cell:
    """Which requirements differ from the lock's; with none of them it is the lock's own set.

    `newest` takes no version from the lock. `conflict` says that its requirements exclude each
    other, which is what it is there to show. `note` says what is to be seen in it.
    """

    name: str
    requirements: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = tuple(PACKAGES)
    instrumentors: tuple[str, ...] = INSTRUMENTORS
    note: str = ""
    newest: bool = False
    conflict: bool = False

    @property
    def locked(self) -> bool:
        """Whether it is the environment of the lock, which stands already."""
        return not self.requirements and not self.newest

    def wanted(self, pins: Mapping[str, str]) -> tuple[str, ...]:
        """All of its requirements: its own, and MLflow and its frameworks as `pins` has them."""
        own = {lines.name(lines.read(line)) for line in self.requirements}
        moved = {each for family in FAMILIES if own & set(family) for each in family}
        base = ("mlflow", *(part for each in self.frameworks for part in PACKAGES[each]))
        pinned = (_pinned(part, {} if self.newest else pins, own | moved) for part in base)
        return (*pinned, *BESIDES, *self.requirements)

    def environment(self) -> Environment:
        """Its environment, built if it is not there. Raises `NotInstallable`, `NoRequirement`."""
        if self.locked:
            return locked()
        pins = lines.versions(LOCK.read_text("utf-8").splitlines())
        return built(self.name, self.wanted(pins), prefer=None if self.newest else LOCK)


def asked(requirements: Sequence[str]) -> Cell:
    """The cell of a person who names requirements: what they concern is played, else everything.

    Raises `NoRequirement`.
    """
    named = {lines.name(lines.read(line)) for line in requirements}
    concerned = [
        framework
        for framework, packages in PACKAGES.items()
        if named & {framework, *(each.partition("[")[0] for each in packages)}
    ]
    told = ", ".join(map(lines.told, map(lines.read, requirements)))
    return Cell(told, tuple(requirements), tuple(concerned) or tuple(PACKAGES), note="asked for")


def _pinned(part: str, pins: Mapping[str, str], moved: set[str]) -> str:
    bare = part.partition("[")[0]
    return part if bare in moved or bare not in pins else f"{part}=={pins[bare]}"
