"""Render the governance of a run as text for a terminal, or as Markdown for a pull request."""

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from instrumentation.governance import ConsequentialCall, Governance
from instrumentation.trace.wording import truncate
from scenarios.reports.document_parts import escape_cell, markdown_table
from scenarios.reports.wording import count_of

Row = tuple[str, ...]
MAX_ARGUMENTS_LENGTH = 60
GUARDRAIL_COLUMNS = ("guardrail", "checked", "allowed", "blocked", "failed")
LIMIT_COLUMNS = ("limit of", "tool", "highest count", "limit", "unit")
BLOCK_COLUMNS = ("blocked by", "times", "reason")
ACTION_COLUMNS = ("action", "arguments", "agent", "outcome", "authorized by")


def render_governance(governance: Governance) -> RenderableType:
    """Render text: problems, guardrails, limits, blocks, actions, tokens and personal data."""
    lines: list[RenderableType] = [Text(_title(governance), style="bold")]
    lines += [Text(f"✗ {problem}", style="red") for problem in governance.problems]
    for columns, rows in _iter_tables(governance):
        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        lines += [Text(), table]
    return Group(*lines, Text(), *map(Text, _summary(governance)))


def render_governance_markdown(governance: Governance) -> str:
    """Render the same as Markdown."""
    lines = [f"## {_title(governance)}", ""]
    if governance.problems:
        lines += [*(f"- ❌ {problem}" for problem in governance.problems), ""]
    for columns, rows in _iter_tables(governance):
        lines += [*markdown_table(columns, (list(map(escape_cell, row)) for row in rows)), ""]
    return "\n".join([*lines, *(f"- {line}" for line in _summary(governance))])


def _iter_tables(governance: Governance) -> Iterator[tuple[Row, Sequence[Row]]]:
    """Yield the columns and rows of each table that has rows."""
    tables = (
        (GUARDRAIL_COLUMNS, list(_guardrail_rows(governance))),
        (LIMIT_COLUMNS, list(_limit_rows(governance))),
        (BLOCK_COLUMNS, list(_block_rows(governance))),
        (ACTION_COLUMNS, list(_action_rows(governance))),
    )
    return ((columns, rows) for columns, rows in tables if rows)


def _title(governance: Governance) -> str:
    found = count_of(len(governance.problems), "problem") if governance.problems else "no problems"
    return f"Governance of {' '.join([governance.name, *governance.trace_ids[:1]])}: {found}"


def _guardrail_rows(governance: Governance) -> Iterator[Row]:
    for one in governance.guardrails:
        yield (one.name, *map(str, (one.checks, one.allowed, one.blocked, one.failed)))


def _limit_rows(governance: Governance) -> Iterator[Row]:
    for one in governance.guardrails:
        for use in one.limits:
            yield one.name, use.tool, f"{use.count:.10g}", f"{use.limit:.10g}", use.unit


def _block_rows(governance: Governance) -> Iterator[Row]:
    for one in governance.guardrails:
        for reason, times in one.reasons.items():
            yield one.name, str(times), reason


def _action_rows(governance: Governance) -> Iterator[Row]:
    for action in governance.actions:
        yield (
            action.tool,
            _format_arguments(action),
            action.agent,
            action.outcome,
            action.authorized_by or ("nobody" if action.is_checked else "nobody was asked"),
        )


def _format_arguments(action: ConsequentialCall) -> str:
    text = json.dumps(action.arguments, ensure_ascii=False, default=str)
    return truncate(text, MAX_ARGUMENTS_LENGTH)


def _summary(governance: Governance) -> Iterator[str]:
    tokens, cost = governance.tokens, governance.cost_usd
    dollars = "cost unknown" if cost is None else f"{cost:.6f} US dollars"
    completions = count_of(governance.completions, "completion")
    yield f"{completions}: {tokens.input} tokens in, {tokens.output} out; {dollars}"
    yield f"personal data removed from the input: {_format_counts(governance.removed)}"
    yield f"prompts with personal data: {_format_counts(governance.sent)}"


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"
