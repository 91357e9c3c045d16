"""The settings that tracing makes are settings that MLflow and OpenTelemetry know."""

import mlflow.environment_variables
import pytest
from mlflow.environment_variables import _EnvironmentVariable
from opentelemetry.sdk import environment_variables as opentelemetry_variables

from instrumentation.tracing_setup.environment_defaults import ENVIRONMENT_DEFAULTS

MLFLOW_VARIABLES = {
    variable.name: variable
    for variable in vars(mlflow.environment_variables).values()
    if isinstance(variable, _EnvironmentVariable)
}


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT_DEFAULTS if name[:7] == "MLFLOW_"])
def test_mlflow_reads_the_setting_with_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = ENVIRONMENT_DEFAULTS[name]
    monkeypatch.setenv(name, value)
    assert str(MLFLOW_VARIABLES[name].get()).lower() == value


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT_DEFAULTS if name[:5] == "OTEL_"])
def test_opentelemetry_knows_the_setting(name: str) -> None:
    assert name in vars(opentelemetry_variables)
