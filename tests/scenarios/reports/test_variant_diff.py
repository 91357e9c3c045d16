"""The diff of a scenario's broken and fixed variants, read from the page and the workflow."""

import re

import pytest

from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports.variant_diff import SourceFile as PageSource
from scenarios.reports.variant_diff import diff_variants, explain_mistakes, variant_settings

WORKFLOW = "workflows.graphflow_review:review"


def test_the_diff_shows_the_mistake_and_the_default_that_replaces_it() -> None:
    diff = diff_variants(scenario_folder("reviewer_says_cannot_approve").page, WORKFLOW)
    assert "-def says_approve(message" in diff
    assert "-    approves=says_approve," in diff
    assert "+def approved(message" in diff
    assert "+    approves=approved," in diff


def test_the_diff_follows_a_default_to_the_module_that_defines_it() -> None:
    diff = diff_variants(scenario_folder("stream_is_cut").page, WORKFLOW)
    assert "+class WholeAnswers(OpenAIChatCompletionClient):" in diff
    assert " def watched(agent" in diff


def test_a_default_that_the_page_imports_too_is_shown_once() -> None:
    name = "empty_result_is_filled_in"
    diff = diff_variants(scenario_folder(name).page, load_scenario(name).workflow)
    assert diff.count("def structured(") == 1


@pytest.mark.parametrize("name", [name for name in scenario_names() if load_scenario(name).broken])
def test_every_fix_changes_something_and_every_mistake_has_a_reason(name: str) -> None:
    page = scenario_folder(name).page
    diff = diff_variants(page, load_scenario(name).workflow)
    assert re.search(r"^[-+] {4}\w+=", diff, re.MULTILINE)
    assert explain_mistakes(page)
    assert variant_settings(PageSource.read(page), "broken")
