"""A column of the fidelity table: an instrumentor, in the environment that has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.environment import Environment, locked, standing

FRAMEWORKS = ("crewai", "autogen-agentchat", "openai")


@dataclass(frozen=True, eq=False)  # each is itself, and can stand as a key
class Column:
    """`name` is that of the instrumentor; `stands` its environment's, and empty for the lock's own.

    `packages` are those whose versions matter, beside the frameworks. `lacks` says of which
    frameworks it can tell nothing, and why: that is no failure, there is nothing to be turned on.
    """

    name: str
    stands: str = ""
    packages: tuple[str, ...] = ("mlflow",)
    lacks: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> Environment:
        """Raises `NotInstallable`, with what builds it, where it has not been built."""
        return standing(self.stands) if self.stands else locked()

    def versions(self, environment: Environment) -> dict[str, str]:
        """The versions that its cells were counted with."""
        return {name: environment.packages[name] for name in (*FRAMEWORKS, *self.packages)}


COLUMNS = (
    Column("plain autolog"),
    Column(
        "autolog of both",
        lacks={"openai": "its autologging is the client's alone: see plain autolog"},
    ),
    Column("ours"),
    Column(
        "OpenInference",
        "openinference",
        (
            "mlflow",
            "openinference-instrumentation-autogen-agentchat",
            "openinference-instrumentation-crewai",
            "openinference-instrumentation-openai",
        ),
    ),
    Column("OpenLLMetry", "openllmetry", ("opentelemetry-sdk", "traceloop-sdk")),
    Column("OpenLIT", "openlit", ("openlit", "opentelemetry-sdk")),
    Column(
        "its own OpenTelemetry",
        packages=("opentelemetry-sdk",),
        lacks={
            "crewai": (
                "CrewAI has OpenTelemetry for its makers' telemetry alone: the provider is its own,"
                " and no application can read what goes through it"
            ),
            "openai": "the client has none",
        },
    ),
)
"""From what comes with MLflow to what others bring."""
