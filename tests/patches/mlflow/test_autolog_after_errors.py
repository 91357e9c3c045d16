"""Blindness: a call that failed and was handled stops MLflow from recording what follows it."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import suppress

import mlflow
import pytest
from mlflow.utils.autologging_utils.safety import safe_patch

from instrumentation.tracing import record_run
from patches.mlflow import autolog_after_errors
from patches.patch import apply_patches
from tests.support.autogen_agents import upstream_autogen_autolog

FLAVOR = "autogen"


class Service:
    """Something that MLflow autologs: an outer call that survives the failure of an inner one."""

    async def outer(self) -> str:
        with suppress(ValueError):
            await self.inner(fails=True)
        return await self.inner(fails=False)

    async def inner(self, *, fails: bool) -> str:
        if fails:
            raise ValueError("the first attempt fails")
        return "done"


async def spanned(original: Callable[..., Awaitable[str]], self: Service, **kwargs: bool) -> str:
    """What an integration of MLflow does around a call."""
    with mlflow.start_span(original.__name__):
        return await original(self, **kwargs)


@pytest.fixture
def service(store: str) -> Generator[type[Service]]:
    with upstream_autogen_autolog(store):
        for method in ("outer", "inner"):
            safe_patch(FLAVOR, Service, method, spanned)
        yield Service


async def spans(service: type[Service]) -> Sequence[str]:
    with record_run() as run:
        assert await service().outer() == "done"
    (trace,) = run.traces()
    return sorted(span.name for span in trace.data.spans)


@pytest.mark.xfail(
    reason="MLflow goes blind after a handled error", strict=True, raises=AssertionError
)
async def test_autolog_alone_sees_what_follows_a_handled_error(service: type[Service]) -> None:
    assert await spans(service) == ["inner", "inner", "outer"]


async def test_what_follows_a_handled_error_is_seen(service: type[Service]) -> None:
    with apply_patches(autolog_after_errors.PATCH):
        assert await spans(service) == ["inner", "inner", "outer"]
