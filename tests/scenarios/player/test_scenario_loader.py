"""Loading scenario pages: invalid pages are refused before anything runs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.player.scenario_loader import (
    ScenarioNotFoundError,
    load_scenario,
    load_workflow,
    scenario_names,
)

PAGE = '''"""It goes wrong.

And this is how.
"""

from scenarios.expectations import never_runs
from scenarios.scenario import Scenario, Variant

SCENARIO = Scenario(
    failure_mode="none",
    source="none",
    workflow="workflows.graphflow_review:GraphFlowReview",
    task="Write.",
    twin=Variant(),
    expect_twin=(never_runs("summarizer"),),
)
'''
LINE = '{"lane": "summarizer", "origin": "scripted", "reply": {"content": "It was lost."}}\n'


def make_scenario(
    catalog: Path, page: str = PAGE, tape: str = LINE, name: str = "it_goes_wrong"
) -> Path:
    (catalog / name).mkdir()
    (catalog / name / "scenario.py").write_text(page)
    (catalog / name / "tape.jsonl").write_text(tape)
    return catalog


def test_a_scenario_is_loaded_with_its_title_and_story(tmp_path: Path) -> None:
    page = load_scenario("it_goes_wrong", make_scenario(tmp_path))
    assert (page.name, page.title, page.story) == (
        "it_goes_wrong",
        "It goes wrong.",
        "And this is how.",
    )
    assert [name for name, _, _ in page.variants()] == ["twin"]


def test_an_interrupted_import_is_no_error_of_the_page(tmp_path: Path) -> None:
    """Python 3.11 wraps Ctrl-C in a `RuntimeError` while it makes a class."""
    interrupted = (
        "class Name:\n    def __set_name__(self, *_):\n        raise KeyboardInterrupt\n\n"
    )
    page = PAGE.replace(
        "SCENARIO =", f"{interrupted}\nclass Page:\n    name = Name()\n\nSCENARIO ="
    )
    with pytest.raises(KeyboardInterrupt):
        load_scenario("it_goes_wrong", make_scenario(tmp_path, page))


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError, match="did you mean it_goes_wrong"):
        load_scenario("it_go_wrong", make_scenario(tmp_path))


def test_a_name_like_no_other_points_to_the_list() -> None:
    with pytest.raises(ScenarioNotFoundError, match="`python -m scenarios list` lists them"):
        load_scenario("zzzzzzzzzz")


@pytest.mark.parametrize("name", ["..", "../catalog", "", "/etc", "it_goes_wrong/../it_goes_wrong"])
def test_a_name_is_not_a_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError):
        load_scenario(name, make_scenario(tmp_path))


def test_an_agent_without_a_lane_is_refused_with_the_nearest(tmp_path: Path) -> None:
    misspelt = PAGE.replace('"summarizer"', '"sumarizer"')
    with pytest.raises(ScenarioNotFoundError, match=r"agent 'sumarizer'.*nearest: summarizer"):
        load_scenario("it_goes_wrong", make_scenario(tmp_path, misspelt))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PAGE.replace("SCENARIO =", "SCENE ="), "defines no SCENARIO"),
        (PAGE[PAGE.index("from ") :], "has no docstring"),
    ],
)
def test_an_incomplete_scenario_file_is_refused(page: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError, match=f"scenario.py: {reason}"):
        load_scenario("it_goes_wrong", make_scenario(tmp_path, page))


def test_a_folder_without_a_scenario_file_is_not_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert scenario_names(make_scenario(tmp_path)) == ("it_goes_wrong",)


@pytest.mark.long
def test_scenario_files_import_no_framework(project_root: Path) -> None:
    """Checking a recorded trace takes less than a second as long as no page imports a framework."""
    code = (
        "import sys; from scenarios.player.scenario_loader import load_scenario, scenario_names\n"
        "for name in scenario_names():\n"
        "    load_scenario(name)\n"
        "    print(name, *sys.modules.keys() & {'mlflow', 'crewai', 'autogen_agentchat', 'openai'})"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=project_root, capture_output=True, text=True, check=True
    )
    assert output.stdout.split() == list(scenario_names())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("failure_mode=", "failure_mod=", "did you mean failure_mode?"),
        ("Variant()", "Variant(raise_=None)", "did you mean raises?"),
        ("Variant()", "Variant().raisin(ValueError, '')", "did you mean raising?"),
        ("(never_runs", "(never_run", "did you mean never_runs?"),
        ("import never_runs", "import never_run", "did you mean never_runs?"),
        ('never_runs("summarizer")', 'never_runs(agnt="summarizer")', "did you mean agent?"),
        ("graphflow_review:", "graphflow_reviw:", "workflows.graphflow_review:GraphFlowReview?"),
        (":GraphFlowReview", ":GraphFlowRevew", "did you mean GraphFlowReview?"),
        (":GraphFlowReview", "", "did you mean workflows.graphflow_review:GraphFlowReview?"),
        ("workflows.graphflow_review:", "../x:", "does not exist; did you mean"),
    ],
)
def test_a_misspelt_name_is_reported_with_the_nearest(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioNotFoundError, match=r"scenario\.py: ") as error:
        load_scenario("it_goes_wrong", make_scenario(tmp_path, PAGE.replace(old, new)))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"services": ("world_bnk",)}, "services names 'world_bnk', no parameter of FinanceCrew"),
        ({"processes": {"world_bnk": ()}}, "processes names 'world_bnk'"),
        ({"arguments": {"world_bnk": str}}, "did you mean world_bank?"),
        (
            {"arguments": {"world_bank": lambda clip: clip}},
            "the argument 'world_bank' does",
        ),
    ],
)
def test_a_misspelt_parameter_of_the_workflow_is_reported_before_it_runs(
    setting: dict[str, Any], sentence: str
) -> None:
    page = replace(load_scenario("briefing_goes_well"), **setting)
    ((_, variant, _), *_) = page.variants()
    with pytest.raises(ScenarioNotFoundError, match=r"scenario\.py: ") as error:
        load_workflow(page, variant)
    assert sentence in str(error.value)
