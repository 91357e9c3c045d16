"""The environments of the matrix: combinations of versions, and what is special about each."""

from collections.abc import Mapping

from integrations.environments.environment_spec import EnvironmentSpec
from integrations.environments.lock_files import (
    INSTRUMENTOR_LOCKS,
    MLFLOW_3_18_LOCK,
    PROJECT_LOCK,
)
from integrations.instrumentors.registry import AUTOLOGS, FRAMEWORK_TELEMETRY, OURS

CREWAI = ("crewai",)
AUTOGEN = ("autogen",)
OLD_AUTOGEN = ("autogen-agentchat==0.6.1", "openai<2")
OLD_SQLALCHEMY = "sqlalchemy<2.1"
"""MLflow before 3.9 imports names that SQLAlchemy 2.1 has removed: mlflow#20203."""
OLD_OPENTELEMETRY = (
    "opentelemetry-api<1.38",
    "opentelemetry-sdk<1.38",
    "opentelemetry-exporter-otlp-proto-http<1.38",
)
"""MLflow before 3.4 does not call the constructor of the span processor that it extends.
OpenTelemetry 1.38 reads an attribute that only the constructor sets, and the spans are dropped."""

LOCKED = EnvironmentSpec("locked", note="the project's lock, in which the goldens were accepted")
MLFLOW_3_18 = EnvironmentSpec(
    MLFLOW_3_18_LOCK.environment_name,
    instrumentors=(OURS,),
    note="the project's lock with mlflow 3.18.0; what its autolog records is in the fidelity table",
    lock_file=MLFLOW_3_18_LOCK,
)
INSTRUMENTOR_ENVIRONMENTS = tuple(
    EnvironmentSpec(
        each.environment_name,
        instrumentors=each.instrumentors,
        note=f"{', '.join(each.instrumentors)}, with the versions of the fidelity table",
        lock_file=each,
    )
    for each in INSTRUMENTOR_LOCKS
)
"""The locks of other people's instrumentors."""


def _with_autogen(name: str, requirements: tuple[str, ...], note: str) -> EnvironmentSpec:
    """AutoGen under the autologs, with an MLflow that needs an old SQLAlchemy."""
    return EnvironmentSpec(name, (*requirements, OLD_SQLALCHEMY), AUTOGEN, AUTOLOGS, note)


def _with_crewai(
    version: str, note: str, instrumentors: tuple[str, ...] = AUTOLOGS
) -> EnvironmentSpec:
    """A release of CrewAI."""
    name, requirement = f"crewai {version}", f"crewai=={version}"
    return EnvironmentSpec(name, (requirement,), CREWAI, instrumentors, note)


DECLARED_ENVIRONMENTS = (
    LOCKED,
    MLFLOW_3_18,
    _with_autogen(
        "mlflow 3.1.4, autogen 0.6.1",
        ("mlflow==3.1.4", *OLD_AUTOGEN, *OLD_OPENTELEMETRY),
        "the completion after a tool result has a failed span without output",
    ),
    _with_autogen(
        "mlflow 3.2.0, autogen 0.6.1",
        ("mlflow==3.2.0", *OLD_AUTOGEN, *OLD_OPENTELEMETRY),
        "the completion after a tool result is recorded",
    ),
    _with_autogen(
        "mlflow 3.1.4, autogen 0.6.1, newest opentelemetry",
        ("mlflow==3.1.4", *OLD_AUTOGEN),
        "spans are dropped silently",
    ),
    _with_autogen(
        "mlflow 3.3.2, autogen 0.7.5, newest opentelemetry",
        ("mlflow==3.3.2",),
        "spans are dropped silently",
    ),
    _with_autogen(
        "mlflow 3.3.2, autogen 0.7.5",
        ("mlflow==3.3.2", *OLD_OPENTELEMETRY),
        "an OpenTelemetry that this MLflow supports",
    ),
    _with_crewai("1.15.29", "the first release without traces", PROJECT_LOCK.instrumentors),
    _with_crewai("1.15.28", "the last release with traces"),
    _with_crewai(
        "1.15.23",
        "tools have spans only in CrewAI's own tracing",
        (*AUTOLOGS, FRAMEWORK_TELEMETRY),
    ),
    _with_crewai("1.12.2", "only the first of parallel tools has a span"),
    _with_crewai("1.9.3", "tools have spans, completions have none"),
    _with_crewai("1.0.0", "the first release with its own model classes"),
    _with_crewai("0.203.2", "the last release that uses LiteLLM"),
    EnvironmentSpec(
        "mlflow 3.10.0, crewai 1.15.28",
        ("mlflow==3.10.0", "crewai==1.15.28"),
        CREWAI,
        AUTOLOGS,
        note="the API key is recorded in the spans",
    ),
    EnvironmentSpec("newest", note="the newest version of every package", ignores_lock=True),
    EnvironmentSpec(
        "crewai, openai 3",
        ("openai>=3",),
        CREWAI,
        note="CrewAI requires openai below 3",
        expects_conflict=True,
    ),
    *INSTRUMENTOR_ENVIRONMENTS,
)

AG2_ENVIRONMENTS = tuple(
    EnvironmentSpec(f"ag2 {version}", (f"ag2[openai]=={version}", openai), frameworks=())
    for version, openai in (("0.14.0", "openai<3"), ("1.2.1", "openai>=3.27"))
)
"""Environments of a known regression, which the matrix leaves out: it has no cases of AG2."""
ENVIRONMENTS_BY_NAME: Mapping[str, EnvironmentSpec] = {
    each.name: each for each in (*DECLARED_ENVIRONMENTS, *AG2_ENVIRONMENTS)
}
