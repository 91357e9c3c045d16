"""Generate the README of each scenario and the marked parts of the other documents.

Pages are functions of committed files alone: sources and recorded traces. `accept --check` compares
them, and needs no framework.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from instrumentation.diagnosis import diagnose
from instrumentation.trace.canonical_json import load_trace
from scenarios.player.scenario_loader import (
    ScenarioFolder,
    load_scenario,
    scenario_folder,
    scenario_names,
)
from scenarios.player.workflow_source import diff_workflows, explain_mistakes, read_workflow
from scenarios.reports.diagnosis_report import describe_diagnosis
from scenarios.reports.document_parts import code_block, list_documents, render_document
from scenarios.reports.origin_marker import mark_origin
from scenarios.scenario import Scenario


def generate_pages() -> Iterator[tuple[Path, str]]:
    """Each generated page, with the text that it should have."""
    for name in scenario_names():
        folder = scenario_folder(name)
        yield folder.readme, render_scenario_page(load_scenario(name), folder)
    for document in list_documents():
        yield document, render_document(document.read_text("utf-8"))


def render_scenario_page(scenario: Scenario, folder: ScenarioFolder) -> str:
    """The README of a scenario, from its file, its recorded traces and the workflow's source."""
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
            diagnosis=_describe_diagnosis(scenario, folder),
            mistakes=mistakes,
            difference=difference,
            expected=[(name, expectations) for name, _, expectations in scenario.variants()],
            **outlines,
        )
    )


def _describe_diagnosis(scenario: Scenario, folder: ScenarioFolder) -> str:
    """What a diagnosis finds in the trace of the broken run."""
    if scenario.broken is None:
        return ""
    return describe_diagnosis(diagnose(load_trace(folder.recorded_trace("broken"))))


def _explain_failure(scenario: Scenario, folder: ScenarioFolder) -> tuple[tuple[str, ...], str]:
    """The mistakes of the broken variant, and how it differs from the fixed one, as a diff."""
    if scenario.broken is None or scenario.fixed is None:
        return (), ""
    broken, fixed = (
        read_workflow(scenario.workflow, folder.variants, str(variant.workflow))
        for variant in (scenario.broken, scenario.fixed)
    )
    return explain_mistakes(broken), diff_workflows(fixed, broken)


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
