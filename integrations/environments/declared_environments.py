"""The cells of the matrix: which versions meet, and what is to be seen where they do."""

from integrations.environments.environment_spec import (
    AUTOLOGS,
    FRAMEWORK_TELEMETRY,
    EnvironmentSpec,
)
from integrations.environments.lock_file import INSTRUMENTOR_LOCKS

CREWAI = ("crewai",)
AUTOGEN = ("autogen",)
OLD_AUTOGEN = ("autogen-agentchat==0.6.1", "openai<2")
OLD_SQLALCHEMY = "sqlalchemy<2.1"
"""MLflow before 3.9 imports from SQLAlchemy what 2.1 no longer has: mlflow#20203."""
OLD_OPENTELEMETRY = (
    "opentelemetry-api<1.38",
    "opentelemetry-sdk<1.38",
    "opentelemetry-exporter-otlp-proto-http<1.38",
)
"""MLflow before 3.4 does not initialise the span processor that it extends. A newer OpenTelemetry
reads there what only that sets, and the spans are dropped."""

LOCKED = EnvironmentSpec("locked", note="what the lock pins, and the goldens are of")
INSTRUMENTOR_ENVIRONMENTS = tuple(
    EnvironmentSpec(
        each.environment_name,
        instrumentors=each.instrumentors,
        note=f"{', '.join(each.instrumentors)}, as the fidelity table has it",
        lock_file=each,
    )
    for each in INSTRUMENTOR_LOCKS
)
"""What the locks of other people's instrumentors pin."""

DECLARED_ENVIRONMENTS = (
    LOCKED,
    EnvironmentSpec(
        "mlflow 3.1.4, autogen 0.6.1",
        ("mlflow==3.1.4", *OLD_AUTOGEN, OLD_SQLALCHEMY, *OLD_OPENTELEMETRY),
        AUTOGEN,
        AUTOLOGS,
        note="the content type: what follows a tool's result is a failed span without output",
    ),
    EnvironmentSpec(
        "mlflow 3.2.0, autogen 0.6.1",
        ("mlflow==3.2.0", *OLD_AUTOGEN, OLD_SQLALCHEMY, *OLD_OPENTELEMETRY),
        AUTOGEN,
        AUTOLOGS,
        note="the content type, mended",
    ),
    EnvironmentSpec(
        "mlflow 3.1.4, autogen 0.6.1, newest opentelemetry",
        ("mlflow==3.1.4", *OLD_AUTOGEN, OLD_SQLALCHEMY),
        AUTOGEN,
        AUTOLOGS,
        note="spans are dropped without a word",
    ),
    EnvironmentSpec(
        "mlflow 3.3.2, autogen 0.7.5, newest opentelemetry",
        ("mlflow==3.3.2", OLD_SQLALCHEMY),
        AUTOGEN,
        AUTOLOGS,
        note="spans are dropped without a word",
    ),
    EnvironmentSpec(
        "mlflow 3.3.2, autogen 0.7.5",
        ("mlflow==3.3.2", OLD_SQLALCHEMY, *OLD_OPENTELEMETRY),
        AUTOGEN,
        AUTOLOGS,
        note="an OpenTelemetry that its MLflow knows",
    ),
    EnvironmentSpec(
        "crewai 1.15.29", ("crewai==1.15.29",), CREWAI, note="the first that leaves no trace"
    ),
    EnvironmentSpec(
        "crewai 1.15.28", ("crewai==1.15.28",), CREWAI, AUTOLOGS, note="the last that leaves traces"
    ),
    EnvironmentSpec(
        "crewai 1.15.23",
        ("crewai==1.15.23",),
        CREWAI,
        (*AUTOLOGS, *FRAMEWORK_TELEMETRY),
        note="no span of a tool, but in its own tracing",
    ),
    EnvironmentSpec(
        "crewai 1.12.2",
        ("crewai==1.12.2",),
        CREWAI,
        AUTOLOGS,
        note="of parallel tools, the first alone",
    ),
    EnvironmentSpec(
        "crewai 1.9.3",
        ("crewai==1.9.3",),
        CREWAI,
        AUTOLOGS,
        note="spans of tools, none of completions",
    ),
    EnvironmentSpec(
        "crewai 1.0.0",
        ("crewai==1.0.0",),
        CREWAI,
        AUTOLOGS,
        note="the first with model classes of its own",
    ),
    EnvironmentSpec(
        "crewai 0.203.2",
        ("crewai==0.203.2",),
        CREWAI,
        AUTOLOGS,
        note="the last that asks through LiteLLM",
    ),
    EnvironmentSpec(
        "mlflow 3.10.0, crewai 1.15.28",
        ("mlflow==3.10.0", "crewai==1.15.28"),
        CREWAI,
        AUTOLOGS,
        note="the API key stands in the spans",
    ),
    EnvironmentSpec(
        "newest", note="the newest of everything that the index gives today", ignores_lock=True
    ),
    EnvironmentSpec(
        "crewai, openai 3",
        ("openai>=3",),
        CREWAI,
        note="CrewAI holds openai below 3",
        expects_conflict=True,
    ),
    *INSTRUMENTOR_ENVIRONMENTS,
)


def find_declared(name: str) -> EnvironmentSpec:
    """The declared cell of that name. Raises `LookupError`, with the names that there are."""
    for each in DECLARED_ENVIRONMENTS:
        if each.name == name:
            return each
    raise LookupError(
        f"no cell is called {name!r}; there are: {', '.join(c.name for c in DECLARED_ENVIRONMENTS)}"
    )
