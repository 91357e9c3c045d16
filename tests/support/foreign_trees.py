"""Strip a trace of what only this project records, so that it is like another instrumentor's."""

from collections.abc import Iterator
from dataclasses import replace

from instrumentation.trace import Span, Trace

COMMON_TYPES = frozenset(("AGENT", "CHAIN", "LLM", "TOOL", "RETRIEVER"))
COMMON_ATTRIBUTES = ("gen_ai.", "mlflow.", "http.")
ALONGSIDE = "flight_recorder.turn.alongside"
STEP_NS = 1_000_000


def strip_to_common(trace: Trace) -> Trace:
    """The trace with turns, completions and tool calls alone, without the project's attributes.

    A recorded trace has no times. It gets some: its spans follow each other, except for turns that
    it says ran at the same time.
    """
    timed = (_set_times(span, STEP_NS)[0] for span in trace.roots)
    roots = tuple(root for span in timed for root in _strip(span))
    return Trace(roots, session=trace.session)


def _set_times(span: Span, start_ns: int) -> tuple[Span, int]:
    """The span from a start on, and its end."""
    children, now_ns, group_start_ns = [], start_ns + STEP_NS, None
    for child in span.children:
        is_parallel = ALONGSIDE in child.attributes
        group_start_ns = (group_start_ns or now_ns) if is_parallel else None
        timed, end_ns = _set_times(child, group_start_ns or now_ns)
        children.append(timed)
        now_ns = max(now_ns, end_ns)
    end_ns = now_ns + STEP_NS
    timed = replace(span, children=tuple(children), start_ns=start_ns, end_ns=end_ns)
    return timed, end_ns


def _strip(span: Span) -> Iterator[Span]:
    """The span, stripped; or what is inside it, if other instrumentors have no such span."""
    children = tuple(inner for child in span.children for inner in _strip(child))
    if span.type not in COMMON_TYPES:
        yield from children
        return
    attributes = {
        name: value for name, value in span.attributes.items() if name.startswith(COMMON_ATTRIBUTES)
    }
    yield replace(span, attributes=attributes, children=children)
