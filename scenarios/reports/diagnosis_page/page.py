"""Render the page of a diagnosis, and write it to a file.

The page loads nothing and runs no script; its Content-Security-Policy forbids both. Everything in a
trace is text of strangers: the template escapes all of it, and control characters are replaced.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from instrumentation.diagnosis import Diagnosis, Finding
from instrumentation.trace import Span, Tokens, Trace
from scenarios.reports.atomic_write import write_atomically
from scenarios.reports.diagnosis_page.agent_graph import build_agent_edges
from scenarios.reports.diagnosis_page.agent_work import AgentWork, assign_agents, measure_agents
from scenarios.reports.diagnosis_page.cited_spans import CitedSpans, CitedStep
from scenarios.reports.diagnosis_page.graph_layout import describe_graph, lay_out_graph
from scenarios.reports.diagnosis_page.span_rows import SpanOutline
from scenarios.reports.diagnosis_page.template import load_template
from scenarios.reports.diagnosis_page.time_chart import draw_time_chart
from scenarios.traces.diagnoses.span_links import SpanLink


def write_diagnosis_pages(
    path: Path,
    diagnosed: Sequence[tuple[Trace, Diagnosis]],
    trace_url: Callable[[Trace], str] | None = None,
    link_spans: Callable[[Trace], SpanLink] | None = None,
) -> tuple[Path, ...]:
    """Write a page per diagnosis: to `path`; of several, to `NAME-1.html`, `NAME-2.html` and so on.

    Args:
        trace_url: Returns the address of a trace in MLflow's pages, which the page links to.
        link_spans: Returns a function that returns the address of a span of a trace there.

    Returns:
        The files.

    Raises:
        FileNotWrittenError: A file cannot be written.
    """
    paths = [path]
    if len(diagnosed) > 1:
        numbers = range(1, len(diagnosed) + 1)
        paths = [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in numbers]
    for file, (trace, diagnosis) in zip(paths, diagnosed, strict=True):
        url = trace_url(trace) if trace_url else ""
        link = link_spans(trace) if link_spans else None
        write_atomically(file, render_diagnosis_page(trace, diagnosis, url, link))
    return tuple(paths)


def render_diagnosis_page(
    trace: Trace,
    diagnosis: Diagnosis,
    trace_url: str = "",
    link: SpanLink | None = None,
) -> str:
    """Render a diagnosis as one HTML page.

    Example:
        page = render_diagnosis_page(trace, diagnose(trace))

    Args:
        diagnosis: What `diagnose` returned for it.
        trace_url: The address of the trace in MLflow's pages; without it, the page has no link.
        link: Returns the address of a span there, for the spans that a finding cites.

    Returns:
        The HTML, with inline styles and drawings, and without scripts.
    """
    agent_of = assign_agents(trace)
    cited_spans = CitedSpans(trace, agent_of)
    cited = cited_spans.all(diagnosis)
    paths = [cited_spans.path(finding) for finding in diagnosis.findings]
    quoted = [cited_spans.evidence(finding) for finding in diagnosis.findings]
    first = diagnosis.findings[0] if diagnosis.findings else None
    work = measure_agents(trace, agent_of)
    outline = SpanOutline(trace, cited)
    values = {
        "trace": trace,
        "url": trace_url,
        "span_url": lambda span: link(span) if link and span is not None else "",
        "first": first,
        "findings": list(zip(diagnosis.findings, paths, quoted, strict=True)),
        "lacks": diagnosis.lacks,
        "error": _end_of_run(trace),
        "totals": _total(trace, work),
        "work": work,
        "chart": draw_time_chart(trace, work, cited),
        "cited": {id(span) for span in cited},
        "origin": id(first.origin) if first else None,
        "outline": outline,
        "anchor": lambda span: outline.anchor(span) if span is not None else "",
        "ident": id,
        **_graph_values(trace, work, first, paths[0] if paths else (), agent_of),
    }
    return load_template().render(values)


def _graph_values(
    trace: Trace,
    work: Sequence[AgentWork],
    first: Finding | None,
    path: Sequence[CitedStep],
    agent_of: Mapping[int, str],
) -> dict[str, Any]:
    """The graph of agents, and the name of its end."""
    names = [one.agent for one in work]
    name = trace.roots[-1].name
    answer = "the answer" if name in names else name
    edges = build_agent_edges(trace, names, answer, path, agent_of)
    origin_agent = _origin_agent(first, names, agent_of) if first else None
    origin_tool = first.origin.name if first and first.origin.type == "TOOL" else None
    layout = lay_out_graph(work, answer, edges, origin_agent, origin_tool)
    return {
        "name": name,
        "answer": answer,
        "edges": edges,
        "layout": layout,
        "graph_in_words": describe_graph(layout),
    }


def _origin_agent(first: Finding, names: Sequence[str], agent_of: Mapping[int, str]) -> str:
    """The agent that began the failure; if the trace does not say, the one around its origin."""
    is_known = first.agent is not None and first.agent in names
    return str(first.agent) if is_known else agent_of[id(first.origin)]


def _total(trace: Trace, work: Sequence[AgentWork]) -> dict[str, Any]:
    """The figures at the head of the page."""
    starts = [root.start_ns for root in trace.roots if root.start_ns]
    end_ns = max(span.end_ns for span in trace)
    costs = [one.cost_usd for one in work if one.completion_count]
    known = [cost for cost in costs if cost is not None]
    return {
        "started": datetime.fromtimestamp(min(starts) / 1e9, UTC) if starts else None,
        "duration_ns": end_ns - min(starts) if starts else 0,
        "tokens": sum((one.tokens for one in work), Tokens()),
        "cost_usd": sum(known) if known and len(known) == len(costs) else None,
        "spans": sum(1 for _ in trace),
        "completions": sum(one.completion_count for one in work),
    }


def _end_of_run(trace: Trace) -> str:
    """The error with which the run ended; empty if it succeeded."""
    root: Span = trace.roots[-1]
    return root.status_message or root.status if root.failed else ""
