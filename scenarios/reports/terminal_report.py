"""Render a verdict for a terminal, or for a CI log."""

import sys
from collections.abc import Iterator
from shlex import quote as quote_for_shell

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from instrumentation.trace import Trace
from instrumentation.trace.outline import outline_lines
from scenarios.player.verdict import ExpectationResult, VariantResult, Verdict
from scenarios.replay.ledger import Exchange
from scenarios.reports.diagnosis_report import summarize_diagnosis
from scenarios.reports.origin_marker import MARGIN, find_origin_span, mark_line
from scenarios.reports.terminal import SafeConsole
from scenarios.scenario import FailureOrigin, Scenario
from scenarios.traces.store.tracking_uri import tracking_uri
from scenarios.traces.store.ui_server import session_page_url, trace_page_url, ui_command

MIN_WIDTH_FOR_COLUMNS = 150
"""From this terminal width on, two outlines are printed side by side."""
LOG_WIDTH = 170
"""The width of output that is not a terminal."""


def make_console(*, stderr: bool = False) -> Console:
    """A console with colours and the window's width on a terminal, with plain text elsewhere."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else LOG_WIDTH
    return SafeConsole(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_report(report: RenderableType) -> None:
    """Print a report; in a log, without trailing blanks. Links may be wider than the window."""
    out = make_console()
    if out.is_terminal:
        out.print(report, crop=False)
        return
    with out.capture() as captured:
        out.print(report, crop=False)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def format_progress(variant: str, exchange: Exchange) -> str:
    """The progress line of an exchange that has just ended."""
    outcome = exchange.fault or (
        f"{exchange.input_tokens} tokens in, {exchange.output_tokens} out"
        if exchange.status == 200
        else f"HTTP {exchange.status}"
    )
    return f"  {variant:<7} {exchange.lane} #{exchange.call}  {outcome}"


def render_verdict(scenario: Scenario, verdict: Verdict) -> RenderableType:
    """The story, the outlines, the results of each variant, and the verdict."""
    return Group(
        Text(f"\n{scenario.name}", style="bold"),
        Text(scenario.title),
        Padding(Text(scenario.story, style="dim"), (1, 0)),
        *_render_outlines(scenario, verdict),
        *(line for result in verdict.variants for line in _render_variant(result)),
        *(Text(f"✗ {problem}", style="red") for problem in verdict.problems),
        _render_summary(verdict),
    )


def render_check(verdict: Verdict) -> RenderableType:
    """The results of a check of existing traces."""
    word = ("passed", "green") if verdict.passed else ("FAILED", "bold red")
    lines: list[RenderableType] = [Text.assemble((verdict.scenario, "bold"), ": ", word)]
    for result in verdict.variants:
        trace = result.trace
        id = f"  {trace.ids[0]}" if trace and trace.ids else ""
        lines += [Text(f" {result.variant}{id}"), *render_results(result.expectation_results)]
        if trace and trace.session and len(trace.ids) == 1:
            session = quote_for_shell(trace.session.id)
            lines.append(
                Text(f"  this is one turn of a session; use --session {session} to check all turns")
            )
    return Group(*lines)


def render_results(results: tuple[ExpectationResult, ...]) -> Iterator[Text]:
    """One line per expectation: a tick, or a cross and the reason of the failure."""
    for result in results:
        if result.passed:
            yield Text.assemble(("  ✓ ", "green"), result.description)
        else:
            yield Text.assemble(("  ✗ ", "red"), f"{result.description}; but {result.failure}")


def trace_url(trace: Trace) -> str:
    """The page of a trace, or of its session, in MLflow's UI."""
    if trace.session:
        return session_page_url(tracking_uri(), trace.experiment_id, trace.session.id)
    return trace_page_url(tracking_uri(), trace.experiment_id, *trace.ids[:1])


def ui_instruction() -> str:
    """The words before a URL: the command that shows the store, unless the store is a server."""
    command = ui_command(tracking_uri())
    return f"{command}, then open" if command else "open"


def _render_outlines(scenario: Scenario, verdict: Verdict) -> Iterator[RenderableType]:
    blocks = {
        result.variant: _render_outline(
            result, scenario.origin if result.variant == "broken" else None
        )
        for result in verdict.variants
    }
    if len(blocks) > 1 and make_console().width >= MIN_WIDTH_FOR_COLUMNS:
        yield _render_columns(blocks)
        return
    for variant, block in blocks.items():
        yield Text(variant, style="bold underline")
        yield block


def _render_columns(blocks: dict[str, Text]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in blocks:
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_row(*(Text(variant, style="bold underline") for variant in blocks))
    table.add_row(*blocks.values())
    return table


def _render_outline(result: VariantResult, origin: FailureOrigin | None) -> Text:
    if result.trace is None:
        return Text("no trace", style="red")
    origin_span = find_origin_span(result.trace, origin) if origin else None
    block = Text()
    for span, line in outline_lines(result.trace):
        if span is origin_span:
            block.append(f"{mark_line(span, line)}\n", "bold yellow")
        else:
            block.append(f"{MARGIN}{line}\n", "red" if span.failed else "")
    return block


def _render_variant(result: VariantResult) -> Iterator[RenderableType]:
    yield Text(f"{result.variant}  ({result.duration_s:.1f} s)", style="bold")
    if result.inputs:
        inputs = ", ".join(f"{name} {value!r}" for name, value in result.inputs.items())
        yield Text(f"  inputs: {inputs}", style="dim")
    for problem in result.problems:
        yield Text(f"  ✗ {problem}", style="red")
    yield from render_results(result.expectation_results)
    if result.diagnosis:
        yield Text(f"  diagnosis: {summarize_diagnosis(result.diagnosis)}")
    if result.fidelity:
        counts = ", ".join(f"{name} {one}" for name, one in result.fidelity)
        mark = ("  ✓ ", "green") if result.fidelity.is_complete else ("  ✗ ", "red")
        yield Text.assemble(mark, f"the trace records all that was served: {counts}")
    for change in result.drift:
        yield Text(f"  ≠ {change}", style="magenta")


def _render_summary(verdict: Verdict) -> RenderableType:
    word = Text("passed", "bold green") if verdict.passed else Text("FAILED", "bold red")
    if verdict.passed and verdict.is_new:
        command = f"python -m scenarios accept {verdict.scenario}"
        word = Text(f"new: review the outline, then accept it: {command}", "bold yellow")
    summary = Text.assemble("\n", (verdict.scenario, "bold"), ": ", word)
    if any(result.trace for result in verdict.variants):
        summary.append(f"\nread the traces: {ui_instruction()}")
    for result in verdict.variants:
        if result.trace:
            summary.append(f"\n  {result.variant:<7} {trace_url(result.trace)}")
        if result.trace and result.trace.ids and result.variant == "broken":
            page = f"python -m scenarios diagnose {result.trace.ids[0]} --html diagnosis.html"
            summary.append(f"\n  its diagnosis as a page: {page}")
    if any(result.drift for result in verdict.variants):
        summary.append(
            f"\nif the new outline is right: python -m scenarios accept {verdict.scenario};"
            " if a recorded request differs, record it again: live … --record"
        )
    return summary
