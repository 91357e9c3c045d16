"""Assert expectations about a trace; a failure shows the outline and marks the spans."""

from collections.abc import Iterator, Sequence

from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.outline import outline_lines
from scenarios.expectations.assessments import log_failed_expectations
from scenarios.expectations.expectation import Expectation, explain_failure, find_span
from scenarios.reports.origin_marker import MARGIN, mark_line
from scenarios.testing.traced_test import TracedTest
from scenarios.traces.store.ui_server import trace_page_url, ui_command


class ExpectationsFailedError(AssertionError):
    """Expectations do not hold for a trace.

    Attributes:
        failures: Why each of them failed, by its description.
    """

    def __init__(self, message: str, failures: dict[str, str]) -> None:
        super().__init__(message)
        self.failures = failures


def expect(trace: Trace | TracedTest, *expectations: Expectation) -> Trace:
    """Assert that each expectation holds for a trace. Returns the trace.

    Example:
        expect(trace, hands_off("writer", "editor"), calls_tool("writer", "search", times=1))

    Args:
        trace: The fixture `trace`, or a trace that was read.
        expectations: Statements of `flight_recorder.testing`, or your own `Expectation`.

    Raises:
        ExpectationsFailedError: One does not hold. If the traces are kept (--trace-store), it is
            also logged there, as an assessment of the span.
        TraceNotFoundError: There is no trace.
        ValueError: There is no expectation.
    """
    __tracebackhide__ = True
    if not expectations:
        raise ValueError(
            'expected at least one expectation, e.g. expect(trace, ends_with_status("OK"))'
        )
    test = trace if isinstance(trace, TracedTest) else None
    found = trace if isinstance(trace, Trace) else _read_trace(trace, expectations)
    reasons = {one.description: (one, explain_failure(found, one)) for one in expectations}
    failures = {name: (one, reason) for name, (one, reason) in reasons.items() if reason}
    if not failures:
        return found
    lines = [f"{len(failures)} of {len(reasons)} expectations do not hold"]
    lines += [f"  ✗ {name}; but {reason}" for name, (_, reason) in failures.items()]
    failed = [one for one, _ in failures.values()]
    lines += ["", *_mark_spans(found, failed)]
    if test and test.is_store_kept:
        log_failed_expectations(found, failed, test.store)
        lines += ["", *_describe_link(found, test.store)]
    raise ExpectationsFailedError(
        "\n".join(lines), {name: str(reason) for name, (_, reason) in failures.items()}
    )


def _read_trace(test: TracedTest, expectations: Sequence[Expectation]) -> Trace:
    counts_traces = any(one.counts_traces for one in expectations)
    return test.read_all() if counts_traces else test.read()


def _mark_spans(trace: Trace, expectations: list[Expectation]) -> Iterator[str]:
    """The outline, with a marker before each span that an expectation is about."""
    marked = []
    for expectation in expectations:
        try:
            marked.append(find_span(trace, expectation))
        except (TraceNotFoundError, IndexError):  # a torn trace: no span is the one
            continue
    for span, line in outline_lines(trace):
        is_marked = any(span is one for one in marked)
        yield mark_line(span, line) if is_marked else f"{MARGIN}{line}"


def _describe_link(trace: Trace, store: str) -> Iterator[str]:
    yield f"trace: {trace_page_url(store, trace.experiment_id, *trace.ids[:1])}"
    if command := ui_command(store):
        yield f"to open it, first run: {command}"
