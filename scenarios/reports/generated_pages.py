"""The pages: what is shown of the scenarios, produced from their sources and recorded traces.

A scenario's README is written whole; in those of the house and its patches, the parts between a
pair of `<!-- produced: … -->` marks. Both are pure functions of files that are committed, so that
`check` can say whether they are current, and no framework is needed to say it.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from instrumentation.trace.canonical_json import read
from instrumentation.tracing_patches import every_patch
from scenarios.player.scenario_loader import CATALOG, Folder, folder, load, names
from scenarios.reports.origin_marker import marked
from scenarios.reports.variant_diff import mend, mistakes, workflow_path
from scenarios.scenario import Scenario

HOUSE = CATALOG.parent.parent
DEFAULT = "summarizer_never_sees_the_draft"
PRODUCED = re.compile(r"(<!-- produced: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> Iterator[tuple[Path, str]]:
    """Every produced page, and the text that it should have."""
    for name in names():
        yield folder(name).readme, scenario_page(load(name), folder(name))
    for readme in (HOUSE / "README.md", HOUSE / "patches" / "README.md"):
        if readme.exists():
            yield readme, house_page(readme.read_text("utf-8"))


def scenario_page(scenario: Scenario, place: Folder) -> str:
    """The README of a scenario, from its page, its recorded traces and the workflow's source."""
    outlines = {
        name: marked(read(place.recorded(name)), scenario.origin if name == "broken" else None)
        for name, _, _ in scenario.variants()
    }
    return (
        _environment()
        .get_template("scenario.md")
        .render(
            scenario=scenario,
            mistakes=mistakes(place.page),
            mend=mend(place.page, scenario.workflow),
            expected=[(name, expectations) for name, _, expectations in scenario.variants()],
            **outlines,
        )
    )


def house_page(text: str) -> str:
    """A README of the house, its produced parts made anew."""
    return PRODUCED.sub(lambda part: f"{part[1]}{_unmarked(PARTS[part[2]]())}\n{part[3]}", text)


def fenced(text: str, language: str = "") -> str:
    """A code block that the text cannot end, whatever backticks stand in it."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _unmarked(produced: str) -> str:
    """What is produced, without what would be taken for the mark at its end."""
    return produced.replace("<!--", "<! --")


def _cell(text: str) -> str:
    """A text for a cell of a table, which it can neither end nor leave."""
    return " ".join(text.split()).replace("|", r"\|")


def _table() -> str:
    """A table for each workflow, of the scenarios that play it."""
    tables = []
    scenarios = [load(name) for name in names()]
    for workflow in sorted({scenario.workflow for scenario in scenarios}):
        path = workflow_path(workflow).relative_to(HOUSE)
        rows = [f"[`{path}`]({path}):\n", "| scenario | what happens | failure mode |"]
        rows.append("| --- | --- | --- |")
        for scenario in (one for one in scenarios if one.workflow == workflow):
            link = f"[{scenario.name}](scenarios/catalog/{scenario.name}/README.md)"
            rows.append(f"| {link} | {_cell(scenario.title)} | {_cell(scenario.mode)} |")
        tables.append("\n".join(rows))
    return "\n\n".join(tables)


def _outline() -> str:
    outline = marked(read(folder(DEFAULT).recorded("broken")), load(DEFAULT).origin)
    return fenced(outline)


def _patches() -> str:
    rows = ["| patch | without it |", "| --- | --- |"]
    for patch in every_patch():
        rows.append(f"| [{patch.name}](patches/{patch.name}.py) | {patch.symptom} |")
    return "\n".join(rows)


def _versions() -> str:
    """Which upstream versions need which patch: a column for each distribution."""
    all_patches = every_patch()
    upstream = tuple(dict.fromkeys(name for patch in all_patches for name in patch.versions))
    rows = [
        f"| patch | {' | '.join(upstream)} | upstream code | delete when | canary |",
        "| --- " * (len(upstream) + 4) + "|",
    ]
    for patch in all_patches:
        needed = [
            f"`{patch.versions[name]}`" if name in patch.versions else "" for name in upstream
        ]
        told = [f"[{patch.name}]({patch.name}.py)", *needed, patch.upstream, patch.delete_when]
        file, _, test = patch.canary.partition("::")
        rows.append(f"| {' | '.join(told)} | [{test}](../{file}) |")
    return "\n".join(rows)


def _doors() -> str:
    doors = re.findall(r"^([a-z-]+):.*## (.*)$", (HOUSE / "Makefile").read_text("utf-8"), re.M)
    return "\n".join(f"- `make {name}`: {what}" for name, what in doors)


PARTS = {
    "scenarios": _table,
    "outline": _outline,
    "patches": _patches,
    "versions": _versions,
    "doors": _doors,
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
    )
    made.filters["fenced"] = fenced
    return made
