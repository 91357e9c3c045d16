"""A column of the fidelity table: an instrumentor, in the environment that has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.environments.build import Environment, current_environment, prebuilt_environment

FRAMEWORK_PACKAGES = ("crewai", "autogen-agentchat", "openai")


@dataclass(frozen=True, eq=False)  # each is itself, and can stand as a key
class Instrumentor:
    """`name` is that of the instrumentor, and `on` how it is turned on; `stands` is the name of its
    environment, and empty for the lock's own.

    `packages` are those whose versions matter, beside the frameworks. `lacks` says of which
    frameworks it can tell nothing, and why: that is no failure, there is nothing to be turned on.
    """

    name: str
    how_enabled: str
    environment_name: str = ""
    packages: tuple[str, ...] = ("mlflow",)
    unsupported: Mapping[str, str] = field(default_factory=dict)

    def find_environment(self) -> Environment:
        """Raises `NotInstallable`, with what builds it, where it has not been built."""
        return (
            prebuilt_environment(self.environment_name)
            if self.environment_name
            else current_environment()
        )

    def package_versions(self, environment: Environment) -> dict[str, str]:
        """The versions that its cells were counted with."""
        return {name: environment.packages[name] for name in (*FRAMEWORK_PACKAGES, *self.packages)}


INSTRUMENTORS = (
    Instrumentor("plain autolog", "`mlflow.<framework>.autolog()`"),
    Instrumentor(
        "autolog of both",
        "that, and `mlflow.openai.autolog()`",
        unsupported={"openai": "its autologging is the client's alone: see plain autolog"},
    ),
    Instrumentor("ours", "`instrumentation.tracing.traced`: plain autolog, and our patches"),
    Instrumentor(
        "OpenInference",
        "the framework's instrumentor, on MLflow's bridged tracer provider; CrewAI's with"
        " `use_event_listener=True`, with which it tells more than as it comes; of a framework's"
        " client none besides, for it would tell each completion twice",
        "openinference",
        (
            "mlflow",
            "openinference-instrumentation-autogen-agentchat",
            "openinference-instrumentation-crewai",
            "openinference-instrumentation-openai",
        ),
    ),
    Instrumentor(
        "OpenLLMetry",
        "`Traceloop.init`, all that it finds",
        "openllmetry",
        ("opentelemetry-sdk", "traceloop-sdk"),
    ),
    Instrumentor(
        "OpenLIT",
        "`openlit.init`, all that it finds, with a file of prices, for it would fetch them; its"
        " events and metrics, which say again what its spans say, off",
        "openlit",
        ("openlit", "opentelemetry-sdk"),
    ),
    Instrumentor(
        "its own OpenTelemetry",
        "CrewAI: `crewai.telemetry.tracing.telemetry_session`, with an exporter; AutoGen: a global"
        " tracer provider, without the client's instrumentor that its guide adds, which is another"
        " column's",
        packages=("opentelemetry-sdk",),
        unsupported={"openai": "the client has none"},
    ),
)
"""From what comes with MLflow to what others bring."""
INSTRUMENTORS_BY_NAME: Mapping[str, Instrumentor] = {each.name: each for each in INSTRUMENTORS}
