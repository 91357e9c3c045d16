"""The page of the table: integrations/FIDELITY.md, for people who read it where the code is."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from integrations.fidelity.fidelity_table import Table
from integrations.fidelity.gap_reasons import reasons
from integrations.fidelity.measure_totals import MEASURES, totals, whole
from integrations.fidelity.table_entry import Entry
from integrations.gaps.gap import Gap
from integrations.instrumentors.registry import COLUMNS
from integrations.reports.matrix_markdown import plain

FILE = Path(__file__).parent.parent / "FIDELITY.md"
NAMES: Mapping[str, str] = {"crewai": "CrewAI", "autogen": "AutoGen", "openai": "openai"}
HEAD = """\
# Fidelity: what instrumentors tell of what really happened

<!-- Produced by `make fidelity`, and checked: do not edit. -->

Each case was played once under each instrumentor, offline, its completions answered from a tape by
a server that keeps a ledger of what it served. A cell holds what the instrumentor told against that
ledger, and against what the case's own tools did: **whole** says that all of it is there, once and
in its place; else `tools 0/2` says that of two calls none is told, `completions 6/3` that three are
told twice, `nothing` that nothing is told at all. What is whole is not listed.
"""
MEANS: Mapping[str, tuple[str, str]] = {
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


def page(table: Table, known: Sequence[Gap]) -> str:
    """The whole text. `known` gaps are the reasons of what is ours and not whole."""
    parts = (_measures(), _sum(table), _frameworks(table, known), _versions(table))
    return "\n".join((HEAD, *(line for part in parts for line in part), ""))


def _measures() -> Iterator[str]:
    yield from _head(("measure", "what happened", "what is told of it"))
    for measure in MEASURES:
        yield _row((measure, *MEANS[measure]))
    yield ""


def _sum(table: Table) -> Iterator[str]:
    yield "## In sum\n"
    yield "Cases that are whole, then for each measure the share that is told; after `+` what is"
    yield "told besides: doubled, or what never happened; `–` where nothing was due, as of totals"
    yield "where no run tells one. Of leaks, their number.\n"
    frameworks = tuple(table.titles)
    named = (NAMES[each] for each in frameworks)
    yield from _head(("", "whole", *named, *MEASURES))
    for column in table.versions:
        its = {place: entry for place, entry in table.entries.items() if place[2] == column}
        by_framework = (
            whole(entry for place, entry in its.items() if place[0] == each) for each in frameworks
        )
        shares = (str(total) for _, total in totals(its.values()))
        yield _row((f"**{column}**", whole(its.values()), *by_framework, *shares))
    yield ""


def _frameworks(table: Table, known: Sequence[Gap]) -> Iterator[str]:
    why = list(reasons(table, known))
    for framework, titles in table.titles.items():
        yield f"## {NAMES[framework]}\n"
        yield from _head(("case", *table.versions))
        for case, title in titles.items():
            entries = [table.entries[framework, case, column] for column in table.versions]
            yield _row((plain(title), *map(_cell, entries)))
        yield ""
        told = [*_notes(table, framework), *_ours(framework, why)]
        yield from (*told, "") if told else ()


def _notes(table: Table, framework: str) -> Iterator[str]:
    """Why there are none, and what went otherwise; each reason once a column."""
    said: dict[str, list[str]] = {}
    for (its, case, column), entry in table.entries.items():
        if its == framework and (entry.none or entry.trouble):
            kind = f"{column}: {'none' if entry.none else 'went otherwise'}"
            said.setdefault(f"{kind}: {entry.none or entry.trouble}", []).append(case)
    every = len(table.titles[framework])
    for reason, cases in said.items():
        where = "" if len(cases) == every else f" ({', '.join(cases)})"
        yield f"- {plain(reason + where)}"


def _ours(framework: str, why: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for its, what, reason in why:
        if its == framework:
            yield f"- {plain(f'ours: {what}: {reason}')}"


def _versions(table: Table) -> Iterator[str]:
    yield "## How each is turned on\n"
    yield "As its documents say, and so that each completion is told once. Those that use a global"
    yield "tracer provider have a span of the application's around what AutoGen does, as its guide"
    yield "to tracing has one. Where spans go to MLflow, its store reckons what completions cost.\n"
    yield from _head(("instrumentor", "by"))
    yield from (_row((column.name, column.on)) for column in COLUMNS)
    yield "\n## Versions\n"
    yield "Plain autolog, autolog of both, ours and a framework's own are of the lock; the others"
    yield "stand in environments of their own, pinned in `integrations/environments`.\n"
    yield from _head(("instrumentor", "with"))
    for column, versions in table.versions.items():
        yield _row((column, ", ".join(f"{name} {each}" for name, each in versions.items())))


def _cell(entry: Entry) -> str:
    words = entry.says
    return f"**{words[0]}**" if entry.whole else "<br>".join(words)


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield _row(["---"] * len(names))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
