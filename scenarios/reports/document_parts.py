"""Generate the marked parts of documents: tables of scenarios, patches and make targets, outlines.

A part lies between `<!-- generated: NAME -->` and `<!-- end -->`. NAME is a key of
`PART_RENDERERS`, followed by its arguments: `outline SCENARIO VARIANT`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from instrumentation.diagnosis import DETECTORS
from instrumentation.trace.canonical_json import load_trace
from instrumentation.tracing_setup.patches import all_patches
from scenarios.player.scenario_loader import (
    CATALOG_FOLDER,
    load_scenario,
    scenario_folder,
    scenario_names,
)
from scenarios.player.workflow_source import workflow_path
from scenarios.reports.origin_marker import mark_origin

PROJECT_ROOT = CATALOG_FOLDER.parent.parent
GENERATED_PART = re.compile(
    r"(?P<start><!-- generated: (?P<name>[\w ]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)


def list_documents() -> Iterator[Path]:
    """The documents that may have generated parts: the READMEs and all of `docs/`."""
    yield from (PROJECT_ROOT / "README.md", PROJECT_ROOT / "patches" / "README.md")
    yield from sorted((PROJECT_ROOT / "docs").rglob("*.md"))


def render_document(text: str) -> str:
    """A document with its generated parts updated."""
    return GENERATED_PART.sub(_render_part, text)


def _render_part(part: re.Match[str]) -> str:
    name, *arguments = part["name"].split()
    text = PART_RENDERERS[name](*arguments)
    return f"{part['start']}{_escape_comments(text)}\n{part['end']}"


def code_block(text: str, language: str = "") -> str:
    """A Markdown code block with a fence longer than any backticks in the text."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escape_comments(text: str) -> str:
    """The text without anything that looks like the end mark of a part."""
    return text.replace("<!--", "<! --")


def escape_cell(text: str) -> str:
    """The text on one line and without column separators, for the cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its cells are Markdown already."""
    return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)]


def _scenario_table() -> str:
    """One table per workflow, of its scenarios."""
    tables = []
    scenarios = [load_scenario(name) for name in scenario_names()]
    for workflow in sorted({scenario.workflow for scenario in scenarios}):
        path = workflow_path(workflow).relative_to(PROJECT_ROOT)
        rows = (
            (
                f"[{one.name}](scenarios/catalog/{one.name}/README.md)",
                escape_cell(one.title),
                escape_cell(one.failure_mode),
            )
            for one in scenarios
            if one.workflow == workflow
        )
        table = markdown_table(("scenario", "what happens", "failure mode"), rows)
        tables.append("\n".join([f"[`{path}`]({path}):\n", *table]))
    return "\n\n".join(tables)


def _outline(name: str, variant: str) -> str:
    """The outline of a scenario's recorded trace; the origin of a failure is marked."""
    trace = load_trace(scenario_folder(name).recorded_trace(variant))
    origin = load_scenario(name).origin if variant == "broken" else None
    return code_block(mark_origin(trace, origin))


def _patch_table() -> str:
    rows = ((f"[{patch.name}]({patch.path})", patch.symptom) for patch in all_patches())
    return "\n".join(markdown_table(("patch", "without it"), rows))


def _patch_versions_table() -> str:
    """The upstream versions that need each patch, one column per distribution."""
    patches = all_patches()
    upstream = tuple(dict.fromkeys(name for patch in patches for name in patch.versions))
    columns = ("patch", *upstream, "upstream code", "delete when", "canary")
    rows = []
    for patch in patches:
        versions = [
            f"`{patch.versions[name]}`" if name in patch.versions else "" for name in upstream
        ]
        link = f"[{patch.name}]({patch.path})"
        file, _, test = patch.canary.partition("::")
        rows.append([link, *versions, patch.upstream, patch.delete_when, f"[{test}](../{file})"])
    return "\n".join(markdown_table(columns, rows))


def _detector_table() -> str:
    rows = []
    for detector in DETECTORS:
        module = import_module(detector.__module__)
        path = Path(str(module.__file__)).relative_to(PROJECT_ROOT)
        found = (detector.__doc__ or "").partition("\n")[0].removeprefix("Yield ")
        name = detector.__name__.removeprefix("find_").replace("_", " ")
        link = f"[{name}](../../{path}): {found}"
        rows.append((escape_cell(module.MODE), escape_cell(link)))
    return "\n".join(markdown_table(("failure mode", "detector"), rows))


def _make_targets() -> str:
    makefile = (PROJECT_ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z0-9-]+):.*## (.*)$", makefile, re.M)
    return "\n".join(f"- `make {name}`: {help_text}" for name, help_text in targets)


PART_RENDERERS: Mapping[str, Callable[..., str]] = {
    "scenarios": _scenario_table,
    "outline": _outline,
    "patches": _patch_table,
    "versions": _patch_versions_table,
    "make_targets": _make_targets,
    "detectors": _detector_table,
}
