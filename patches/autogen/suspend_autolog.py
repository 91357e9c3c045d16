"""MLflow's own AutoGen spans, set aside while fuller ones stand in for them."""

from contextlib import AbstractContextManager

from patches.support.suspend_autolog import suspend_autolog as aside


def suspend_autogen_autolog(*methods: str) -> AbstractContextManager[None]:
    """Take off what `mlflow.autogen.autolog()` put on these methods, of whatever class."""
    import mlflow.autogen

    return aside(mlflow.autogen.FLAVOR_NAME, mlflow.autogen, lambda _, name: name in methods)
