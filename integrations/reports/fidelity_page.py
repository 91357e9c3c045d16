"""The page of the table: integrations/FIDELITY.md, for people who read it where the code is."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integrations.fidelity.fidelity_table import FidelityTable
from integrations.fidelity.gap_reasons import gap_reasons
from integrations.fidelity.measure_totals import MEASURES, complete_share, measure_totals
from integrations.fidelity.table_entry import TableEntry
from integrations.gaps.gap import Gap
from integrations.instrumentors.registry import INSTRUMENTORS
from integrations.reports.matrix_markdown import escape_markdown

FIDELITY_PAGE = Path(__file__).parent.parent / "FIDELITY.md"
FRAMEWORK_NAMES: Mapping[str, str] = {"crewai": "CrewAI", "autogen": "AutoGen", "openai": "openai"}
INTRODUCTION = """\
# Fidelity: what instrumentors tell of what really happened

<!-- Produced by `make fidelity`, and checked: do not edit. -->

Each case was played once under each instrumentor, offline, its completions answered from a tape by
a server that keeps a ledger of what it served. A cell holds what the instrumentor told against that
ledger, and against what the case's own tools did: **whole** says that all of it is there, once and
in its place; else `tools 0/2` says that of two calls none is told, `completions 6/3` that three are
told twice, `nothing` that nothing is told at all. What is whole is not listed.
"""
MEASURE_MEANINGS: Mapping[str, tuple[str, str]] = {
    "completions": ("replies that arrived whole", "spans of completions that did not fail"),
    "tools": ("calls that the tools themselves counted", "spans of tools"),
    "turns": ("agents at work, as the case has it", "spans of an agent that name it"),
    "handoffs": (
        "pairs of agents of a team or crew: whose words, new to it, a turn was given",
        "spans of their own, or turns that name the agent before them",
    ),
    "errors": ("attempts without a reply, tools that raised", "failed spans, where it began"),
    "tokens": ("as the server counted them", "on spans of completions"),
    "totals": ("the same, where a whole run's are told at all", "on the run's own span"),
    "costs": ("completions", "spans of completions with a cost"),
    "placed": (
        "completions and tool calls",
        "those in a turn of their own agent, or in the team where they are its own, in one tree",
    ),
    "prompts": ("different prompts that were sent", "those that can be read whole in a span"),
    "replies": (
        "different replies that arrived whole, and say something",
        "those whose text and tool calls can be read whole in a span",
    ),
    "leaks": ("nothing", "records of a key or a tool's credential, which no model was sent"),
}
"""Of each measure what happened, and what of it is told."""


def fidelity_page(table: FidelityTable, known_gaps: Sequence[Gap]) -> str:
    """The whole text. `known` gaps are the reasons of what is ours and not whole."""
    parts = (
        _measures_section(),
        _summary_section(table),
        _framework_sections(table, known_gaps),
        _versions_section(table),
    )
    return "\n".join((INTRODUCTION, *(line for part in parts for line in part), ""))


def _measures_section() -> Iterator[str]:
    yield from _table_head(("measure", "what happened", "what is told of it"))
    for measure in MEASURES:
        yield _table_row((measure, *MEASURE_MEANINGS[measure]))
    yield ""


def _summary_section(table: FidelityTable) -> Iterator[str]:
    yield "## In sum\n"
    yield "Cases that are whole, then for each measure the share that is told; after `+` what is"
    yield "told besides: doubled, or what never happened; `–` where nothing was due, as of totals"
    yield "where no run tells one. Of leaks, their number.\n"
    frameworks = tuple(table.titles)
    named = (FRAMEWORK_NAMES[each] for each in frameworks)
    yield from _table_head(("", "whole", *named, *MEASURES))
    for column in table.versions:
        its = {place: entry for place, entry in table.entries.items() if place[2] == column}
        by_framework = (
            complete_share(entry for place, entry in its.items() if place[0] == each)
            for each in frameworks
        )
        shares = (str(total) for _, total in measure_totals(its.values()))
        yield _table_row((f"**{column}**", complete_share(its.values()), *by_framework, *shares))
    yield ""


def _framework_sections(table: FidelityTable, known_gaps: Sequence[Gap]) -> Iterator[str]:
    why = list(gap_reasons(table, known_gaps))
    for framework, titles in table.titles.items():
        yield f"## {FRAMEWORK_NAMES[framework]}\n"
        yield from _table_head(("case", *table.versions))
        for case, title in titles.items():
            entries = [table.entries[framework, case, column] for column in table.versions]
            yield _table_row((escape_markdown(title), *map(_format_entry, entries)))
        yield ""
        told = [*_exception_notes(table, framework), *_gap_notes(framework, why)]
        yield from (*told, "") if told else ()


def _exception_notes(table: FidelityTable, framework: str) -> Iterator[str]:
    """Why there are none, and what went otherwise; each reason once a column."""
    said: dict[str, list[str]] = {}
    for (its, case, column), entry in table.entries.items():
        if its == framework and (entry.not_applicable or entry.problem):
            kind = f"{column}: {'none' if entry.not_applicable else 'went otherwise'}"
            said.setdefault(f"{kind}: {entry.not_applicable or entry.problem}", []).append(case)
    every = len(table.titles[framework])
    for reason, cases in said.items():
        where = "" if len(cases) == every else f" ({', '.join(cases)})"
        yield f"- {escape_markdown(reason + where)}"


def _gap_notes(framework: str, reasons: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for its, what, reason in reasons:
        if its == framework:
            yield f"- {escape_markdown(f'ours: {what}: {reason}')}"


def _versions_section(table: FidelityTable) -> Iterator[str]:
    yield "## How each is turned on\n"
    yield "As its documents say, and so that each completion is told once. Those that use a global"
    yield "tracer provider have a span of the application's around what AutoGen does, as its guide"
    yield "to tracing has one. Where spans go to MLflow, its store reckons what completions cost.\n"
    yield from _table_head(("instrumentor", "by"))
    yield from (_table_row((column.name, column.how_enabled)) for column in INSTRUMENTORS)
    yield "\n## Versions\n"
    yield "Plain autolog, autolog of both, ours and a framework's own are of the lock; the others"
    yield "stand in environments of their own, pinned in `integrations/environments`.\n"
    yield from _table_head(("instrumentor", "with"))
    for column, versions in table.versions.items():
        yield _table_row((column, ", ".join(f"{name} {each}" for name, each in versions.items())))


def _format_entry(entry: TableEntry) -> str:
    words = entry.summary
    return f"**{words[0]}**" if entry.is_complete else "<br>".join(words)


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _table_row(names)
    yield _table_row(["---"] * len(names))


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
