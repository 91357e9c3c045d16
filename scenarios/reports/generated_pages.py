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

from instrumentation.trace.canonical_json import load_trace
from instrumentation.tracing_patches import all_patches
from scenarios.player.scenario_loader import (
    CATALOG_FOLDER,
    ScenarioFolder,
    load_scenario,
    scenario_folder,
    scenario_names,
)
from scenarios.reports import class_diff
from scenarios.reports.origin_marker import mark_origin
from scenarios.reports.variant_diff import diff_variants, explain_mistakes, workflow_path
from scenarios.scenario import Scenario

PROJECT_ROOT = CATALOG_FOLDER.parent.parent
FEATURED_SCENARIO = "summarizer_never_sees_the_draft"
GENERATED_PART = re.compile(r"(<!-- produced: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generate_pages() -> Iterator[tuple[Path, str]]:
    """Every produced page, and the text that it should have."""
    for name in scenario_names():
        yield (
            scenario_folder(name).readme,
            render_scenario_page(load_scenario(name), scenario_folder(name)),
        )
    for readme in (PROJECT_ROOT / "README.md", PROJECT_ROOT / "patches" / "README.md"):
        if readme.exists():
            yield readme, render_project_page(readme.read_text("utf-8"))


def render_scenario_page(scenario: Scenario, folder: ScenarioFolder) -> str:
    """The README of a scenario, from its page, its recorded traces and the workflow's source."""
    outlines = {
        name: mark_origin(
            load_trace(folder.recorded_trace(name)), scenario.origin if name == "broken" else None
        )
        for name, _, _ in scenario.variants()
    }
    mistakes, difference = _explain_failure(scenario, folder)
    return (
        _template_environment()
        .get_template("scenario.md")
        .render(
            scenario=scenario,
            mistakes=mistakes,
            difference=difference,
            expected=[(name, expectations) for name, _, expectations in scenario.variants()],
            **outlines,
        )
    )


def _explain_failure(scenario: Scenario, folder: ScenarioFolder) -> tuple[tuple[str, ...], str]:
    """The mistakes of the broken variant, and how it differs from the fixed one, as a diff."""
    if scenario.broken is None or scenario.fixed is None:
        return (), ""
    if scenario.broken.settings:
        old = diff_variants(folder.page, scenario.workflow)
        return explain_mistakes(folder.page), old
    broken, fixed = (
        class_diff.read_workflow(scenario.workflow, folder.variants, str(variant.workflow))
        for variant in (scenario.broken, scenario.fixed)
    )
    return class_diff.explain_mistakes(broken), class_diff.diff_workflows(fixed, broken)


def render_project_page(text: str) -> str:
    """A README of the house, its produced parts made anew."""
    return GENERATED_PART.sub(
        lambda part: f"{part[1]}{_escape_comments(PART_RENDERERS[part[2]]())}\n{part[3]}", text
    )


def code_block(text: str, language: str = "") -> str:
    """A code block that the text cannot end, whatever backticks stand in it."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escape_comments(produced: str) -> str:
    """What is produced, without what would be taken for the mark at its end."""
    return produced.replace("<!--", "<! --")


def _escape_cell(text: str) -> str:
    """A text for a cell of a table, which it can neither end nor leave."""
    return " ".join(text.split()).replace("|", r"\|")


def _scenario_table() -> str:
    """A table for each workflow, of the scenarios that play it."""
    tables = []
    scenarios = [load_scenario(name) for name in scenario_names()]
    for workflow in sorted({scenario.workflow for scenario in scenarios}):
        path = workflow_path(workflow).relative_to(PROJECT_ROOT)
        rows = [f"[`{path}`]({path}):\n", "| scenario | what happens | failure mode |"]
        rows.append("| --- | --- | --- |")
        for scenario in (one for one in scenarios if one.workflow == workflow):
            link = f"[{scenario.name}](scenarios/catalog/{scenario.name}/README.md)"
            rows.append(
                f"| {link} | {_escape_cell(scenario.title)} | {_escape_cell(scenario.failure_mode)} |"
            )
        tables.append("\n".join(rows))
    return "\n\n".join(tables)


def _featured_outline() -> str:
    outline = mark_origin(
        load_trace(scenario_folder(FEATURED_SCENARIO).recorded_trace("broken")),
        load_scenario(FEATURED_SCENARIO).origin,
    )
    return code_block(outline)


def _patch_table() -> str:
    rows = ["| patch | without it |", "| --- | --- |"]
    for patch in all_patches():
        rows.append(f"| [{patch.name}](patches/{patch.name}.py) | {patch.symptom} |")
    return "\n".join(rows)


def _patch_versions_table() -> str:
    """Which upstream versions need which patch: a column for each distribution."""
    patches = all_patches()
    upstream = tuple(dict.fromkeys(name for patch in patches for name in patch.versions))
    rows = [
        f"| patch | {' | '.join(upstream)} | upstream code | delete when | canary |",
        "| --- " * (len(upstream) + 4) + "|",
    ]
    for patch in patches:
        needed = [
            f"`{patch.versions[name]}`" if name in patch.versions else "" for name in upstream
        ]
        told = [f"[{patch.name}]({patch.name}.py)", *needed, patch.upstream, patch.delete_when]
        file, _, test = patch.canary.partition("::")
        rows.append(f"| {' | '.join(told)} | [{test}](../{file}) |")
    return "\n".join(rows)


def _make_targets() -> str:
    doors = re.findall(
        r"^([a-z-]+):.*## (.*)$", (PROJECT_ROOT / "Makefile").read_text("utf-8"), re.M
    )
    return "\n".join(f"- `make {name}`: {what}" for name, what in doors)


PART_RENDERERS = {
    "scenarios": _scenario_table,
    "outline": _featured_outline,
    "patches": _patch_table,
    "versions": _patch_versions_table,
    "doors": _make_targets,
}


@cache
def _template_environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
    )
    made.filters["fenced"] = code_block
    return made
