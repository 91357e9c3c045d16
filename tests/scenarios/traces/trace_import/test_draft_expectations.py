"""Expectations that are drafted of a trace hold for it, whatever its shape."""

from instrumentation.trace import Span, Trace
from scenarios.traces.trace_import.draft_expectations import draft_expectations


def test_of_several_roots_it_is_expected_that_nothing_fails() -> None:
    trace = Trace((Span("chat.completions", "LLM"), Span("chat.completions", "LLM")))
    assert [str(draft) for draft in draft_expectations(trace)] == ["leaves_traces(2)"]


def test_of_one_root_its_status_is_expected() -> None:
    trace = Trace((Span("chat.completions", "LLM", "ERROR"),))
    drafts = [str(draft) for draft in draft_expectations(trace)]
    assert drafts == ['ends_with_status("ERROR")']
