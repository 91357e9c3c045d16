"""Generate pages: a README per scenario, and the marked parts of the project's READMEs.

A part lies between `<!-- generated: NAME -->` and `<!-- end -->`. Pages are functions of committed
files alone: sources and recorded traces. `accept --check` compares them, and needs no framework.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from instrumentation.trace.canonical_json import load_trace
from instrumentation.tracing_patches import all_patches
from patches.patch import Patch
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
GENERATED_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generate_pages() -> Iterator[tuple[Path, str]]:
    """Each generated page, with the text that it should have."""
    for name in scenario_names():
        folder = scenario_folder(name)
        yield folder.readme, render_scenario_page(load_scenario(name), folder)
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
    """A README of the project with its generated parts updated."""
    return GENERATED_PART.sub(
        lambda part: f"{part[1]}{_escape_comments(PART_RENDERERS[part[2]]())}\n{part[3]}", text
    )


def code_block(text: str, language: str = "") -> str:
    """A Markdown code block with a fence longer than any backticks in the text."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escape_comments(text: str) -> str:
    """The text without anything that looks like the end mark of a part."""
    return text.replace("<!--", "<! --")


def _escape_cell(text: str) -> str:
    """The text on one line and without column separators, for the cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def _scenario_table() -> str:
    """One table per workflow, of its scenarios."""
    tables = []
    scenarios = [load_scenario(name) for name in scenario_names()]
    for workflow in sorted({scenario.workflow for scenario in scenarios}):
        path = workflow_path(workflow).relative_to(PROJECT_ROOT)
        rows = [f"[`{path}`]({path}):\n", "| scenario | what happens | failure mode |"]
        rows.append("| --- | --- | --- |")
        for scenario in (one for one in scenarios if one.workflow == workflow):
            link = f"[{scenario.name}](scenarios/catalog/{scenario.name}/README.md)"
            cells = (link, _escape_cell(scenario.title), _escape_cell(scenario.failure_mode))
            rows.append(f"| {' | '.join(cells)} |")
        tables.append("\n".join(rows))
    return "\n\n".join(tables)


def _featured_outline() -> str:
    trace = load_trace(scenario_folder(FEATURED_SCENARIO).recorded_trace("broken"))
    return code_block(mark_origin(trace, load_scenario(FEATURED_SCENARIO).origin))


def _patch_table() -> str:
    rows = ["| patch | without it |", "| --- | --- |"]
    for patch in all_patches():
        rows.append(f"| [{patch.name}](patches/{_patch_path(patch)}) | {patch.symptom} |")
    return "\n".join(rows)


def _patch_versions_table() -> str:
    """The upstream versions that need each patch, one column per distribution."""
    patches = all_patches()
    upstream = tuple(dict.fromkeys(name for patch in patches for name in patch.versions))
    rows = [
        f"| patch | {' | '.join(upstream)} | upstream code | delete when | canary |",
        "| --- " * (len(upstream) + 4) + "|",
    ]
    for patch in patches:
        versions = [
            f"`{patch.versions[name]}`" if name in patch.versions else "" for name in upstream
        ]
        link = f"[{patch.name}]({_patch_path(patch)})"
        file, _, test = patch.canary.partition("::")
        cells = [link, *versions, patch.upstream, patch.delete_when, f"[{test}](../{file})"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _patch_path(patch: Patch) -> str:
    """The file of a patch, relative to `patches/`: that of the function which applies it."""
    function = getattr(patch.apply, "func", patch.apply)  # `apply` may be a functools.partial
    return f"{function.__module__.removeprefix('patches.').replace('.', '/')}.py"


def _make_targets() -> str:
    makefile = (PROJECT_ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*## (.*)$", makefile, re.M)
    return "\n".join(f"- `make {name}`: {help_text}" for name, help_text in targets)


PART_RENDERERS = {
    "scenarios": _scenario_table,
    "outline": _featured_outline,
    "patches": _patch_table,
    "versions": _patch_versions_table,
    "make_targets": _make_targets,
}


@cache
def _template_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
    )
    environment.filters["fenced"] = code_block
    return environment
