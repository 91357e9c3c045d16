"""A report: a verdict as a person reads it on a terminal, or in the log of a CI."""

import sys
from collections.abc import Iterator
from shlex import quote as quoted
from urllib.parse import quote

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from instrumentation.trace.outline import outline_lines
from instrumentation.trace.trace import Trace
from scenarios.player.verdict import ExpectationResult, VariantResult, Verdict
from scenarios.replay.ledger import Exchange
from scenarios.reports.origin_marker import MARGIN, find_origin_span, mark_line
from scenarios.reports.terminal import SafeConsole
from scenarios.scenario import Origin, Scenario
from scenarios.trace_store.tracking_uri import is_server, strip_credentials, tracking_uri

MIN_WIDTH_FOR_COLUMNS = 150
"""The narrowest terminal, in columns, on which two outlines stand side by side and can be read."""
UI_URL = "http://127.0.0.1:5000"
"""Where `make ui` opens MLflow's pages."""
LOG_WIDTH = 170
"""The width of what is no terminal, where nothing has to fit."""


def make_console(*, stderr: bool = False) -> Console:
    """Where a report goes: colours and the width of the window on a terminal, plain text else."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else LOG_WIDTH
    return SafeConsole(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_report(report: RenderableType) -> None:
    """Print a report; in a log without the blanks that fill a terminal's lines."""
    out = make_console()
    if out.is_terminal:
        out.print(report)
        return
    with out.capture() as captured:
        out.print(report)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def format_progress(variant: str, exchange: Exchange) -> str:
    """One line of live progress: an exchange that has just ended."""
    how = exchange.fault or (
        f"{exchange.input_tokens} tokens in, {exchange.output_tokens} out"
        if exchange.status == 200
        else f"HTTP {exchange.status}"
    )
    return f"  {variant:<7} {exchange.lane} #{exchange.call}  {how}"


def render_verdict(scenario: Scenario, verdict: Verdict) -> RenderableType:
    """The story, the outlines, each expectation with its sentence, the counts and the verdict."""
    return Group(
        Text(f"\n{scenario.name}", style="bold"),
        Text(scenario.title),
        Padding(Text(scenario.story, style="dim"), (1, 0)),
        *_render_outlines(scenario, verdict),
        *(line for seen in verdict.variants for line in _render_variant(seen)),
        *(Text(f"✗ {trouble}", style="red") for trouble in verdict.problems),
        _render_summary(verdict),
    )


def trace_url(trace: Trace) -> str:
    """Where MLflow's pages show a trace or a session, once `make ui` has opened them."""
    store = tracking_uri()
    ui = strip_credentials(store).rstrip("/") if is_server() else UI_URL
    if trace.session:
        session = quote(trace.session.id, safe="")
        return f"{ui}/#/experiments/{trace.experiment_id}/chat-sessions/{session}"
    opened = f"/traces?selectedEvaluationId={trace.ids[0]}" if trace.ids else ""
    return f"{ui}/#/experiments/{trace.experiment_id}{opened}"


def ui_instruction() -> str:
    """What is to be done before an address shows anything."""
    return "open" if is_server() else "make ui, then open"


def render_check(verdict: Verdict) -> RenderableType:
    """What a check of recorded traces found."""
    word = ("holds", "green") if verdict.passed else ("DOES NOT HOLD", "bold red")
    told: list[RenderableType] = [Text.assemble((verdict.scenario, "bold"), ": ", word)]
    for seen in verdict.variants:
        told += [Text(f" {seen.variant}"), *render_results(seen.expectation_results)]
        if seen.trace and seen.trace.ids and seen.trace.session and len(seen.trace.ids) == 1:
            name = quoted(seen.trace.session.id)
            told.append(Text(f"  read was one turn of a session: --session {name} reads them all"))
    return Group(*told)


def render_results(results: tuple[ExpectationResult, ...]) -> Iterator[Text]:
    """Each expectation, with a tick, or with a cross and what was seen instead."""
    for judgement in results:
        if judgement.passed:
            yield Text.assemble(("  ✓ ", "green"), judgement.description)
        else:
            yield Text.assemble(
                ("  ✗ ", "red"), f"{judgement.description}; but {judgement.failure}"
            )


def _render_outlines(scenario: Scenario, verdict: Verdict) -> Iterator[RenderableType]:
    blocks = {
        seen.variant: _render_outline(seen, scenario.origin if seen.variant == "broken" else None)
        for seen in verdict.variants
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


def _render_outline(result: VariantResult, origin: Origin | None) -> Text:
    if result.trace is None:
        return Text("no trace", style="red")
    looked_at = find_origin_span(result.trace, origin) if origin else None
    block = Text()
    for span, line in outline_lines(result.trace):
        if span is looked_at:
            block.append(f"{mark_line(span, line)}\n", "bold yellow")
        else:
            block.append(f"{MARGIN}{line}\n", "red" if span.failed else "")
    return block


def _render_variant(result: VariantResult) -> Iterator[RenderableType]:
    yield Text(f"{result.variant}  ({result.duration_s:.1f} s)", style="bold")
    if result.inputs:
        told = ", ".join(f"{name} {value!r}" for name, value in result.inputs.items())
        yield Text(f"  with {told}", style="dim")
    for trouble in result.problems:
        yield Text(f"  ✗ {trouble}", style="red")
    yield from render_results(result.expectation_results)
    if result.fidelity:
        counts = ", ".join(f"{name} {c.trace} of {c.ledger}" for name, c in result.fidelity)
        whole = result.fidelity.is_complete
        yield Text.assemble(
            ("  ✓ " if whole else "  ✗ ", "green" if whole else "red"),
            f"the trace records what happened: {counts}",
        )
    for change in result.drift:
        yield Text(f"  ≠ {change}", style="magenta")


def _render_summary(verdict: Verdict) -> RenderableType:
    word = Text("passed", "bold green") if verdict.passed else Text("FAILED", "bold red")
    ending = Text.assemble("\n", (verdict.scenario, "bold"), ": ", word)
    if any(seen.trace for seen in verdict.variants):
        ending.append(f"\nread the traces: {ui_instruction()}")
    for seen in verdict.variants:
        if seen.trace:
            ending.append(f"\n  {seen.variant:<7} {trace_url(seen.trace)}")
    if any(seen.drift for seen in verdict.variants):
        ending.append(
            f"\nif the outline is right: python -m scenarios accept {verdict.scenario}"
            "; a recorded line that differs is recorded anew: live … --record"
        )
    return ending
