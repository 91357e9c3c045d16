"""Expectations about prompts of a registry: each can hold and fail, and explains its failure."""

from instrumentation.trace import Span, Trace
from scenarios import expectations as expect

PREFIX = "flight_recorder.prompt"


def loading(version: int, released: int | None) -> Trace:
    attributes = {f"{PREFIX}.version": version}
    if released is not None:
        attributes[f"{PREFIX}.released_version"] = released
    load = Span("load_prompt", "CHAIN", attributes=attributes)
    return Trace((Span("assistant", "AGENT", children=(load,)),))


def test_the_released_version_is_not_an_old_one() -> None:
    trace = loading(2, released=2)
    assert expect.loads_released_prompt("assistant").explain_failure(trace) is None
    explained = expect.loads_old_prompt("assistant").explain_failure(trace)
    assert explained == "version 2 was loaded, version 2 was released"


def test_another_version_is_an_old_one() -> None:
    trace = loading(1, released=2)
    assert expect.loads_old_prompt("assistant").explain_failure(trace) is None
    explained = expect.loads_released_prompt("assistant").explain_failure(trace)
    assert explained == "version 1 was loaded, version 2 was released"


def test_without_a_release_neither_holds() -> None:
    for expectation in (expect.loads_released_prompt, expect.loads_old_prompt):
        explained = expectation("assistant").explain_failure(loading(1, released=None))
        assert explained == "it loads no prompt of a release; agents at work: assistant"
