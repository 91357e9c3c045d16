"""Expectations about executed code: each can hold and fail, and explains its failure."""

import pytest

from instrumentation.trace import Span, Trace
from scenarios import expectations as expect
from scenarios.expectations import Expectation


def execution(files: list[str], ended_by: str = "", wall_s: float | None = None) -> Span:
    attributes = {
        "flight_recorder.code.languages": ["python"],
        "flight_recorder.code.files_written": files,
        "flight_recorder.sandbox.ended_by": ended_by or None,
        "flight_recorder.sandbox.limit.wall_s": wall_s,
    }
    return Span("execute_code", "TOOL", attributes=attributes)


def turn(agent: str, *calls: Span) -> Span:
    return Span(agent, "AGENT", children=calls)


TRACE = Trace(
    (
        Span(
            "run",
            "CHAIN",
            children=(
                turn("careful", execution(["a.csv"], wall_s=1.0)),
                turn("careless", execution(["b.csv", "../c.csv"])),
                turn("slow", execution([], "wall_s", 1.0)),
                turn("idle", Span("search", "TOOL")),
            ),
        ),
    )
)


def describe(value: Expectation | str) -> str:
    """The name of a case; the default has the addresses of functions, which differ by process."""
    return value if isinstance(value, str) else value.description


@pytest.mark.parametrize(
    "expectation",
    [
        expect.code_writes_outside("careless", r"\.\./\w"),
        expect.code_stays_in_folder("careful", "a.csv"),
        expect.code_is_stopped("slow", "wall_s"),
        expect.code_has_no_limit("careless", "wall_s"),
    ],
    ids=describe,
)
def test_it_holds(expectation: Expectation) -> None:
    assert expectation.explain_failure(TRACE) is None


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        (expect.code_writes_outside("careful", "a"), "it wrote a.csv"),
        (expect.code_writes_outside("slow", "a"), "it wrote no file"),
        (expect.code_writes_outside("idle", "a"), "it ran no code; tools: "),
        (expect.code_stays_in_folder("careless"), "it wrote ../c.csv"),
        (expect.code_stays_in_folder("careful", "d.csv"), "it did not write d.csv"),
        (expect.code_stays_in_folder("idle"), "it ran no code; tools: "),
        (expect.code_is_stopped("careful", "wall_s"), "it was ended by no limit"),
        (expect.code_is_stopped("slow", "cpu_s"), "it was ended by wall_s"),
        (expect.code_is_stopped("idle", "cpu_s"), "it ran no code; tools: "),
        (expect.code_has_no_limit("careful", "wall_s"), "it has the limit 1.0"),
        (expect.code_has_no_limit("idle", "wall_s"), "it ran no code; tools: "),
    ],
    ids=describe,
)
def test_it_fails_with_a_reason(expectation: Expectation, reason: str) -> None:
    explanation = expectation.explain_failure(TRACE)
    assert explanation is not None
    assert explanation.startswith(reason)
