"""The shelf: a page that cannot be judged is refused before anything is played."""

import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.player.scenario_loader import ScenarioNotFoundError, load_scenario, scenario_names

PAGE = '''"""It goes wrong.

And this is how.
"""

from scenarios.expectations import never_reaches
from scenarios.scenario import Scenario, given

SCENARIO = Scenario(
    mode="none",
    source="none",
    workflow="workflows.graphflow_review:review",
    task="Write.",
    twin=given(),
    expect_twin=(never_reaches("summarizer"),),
)
'''
LINE = '{"lane": "summarizer", "origin": "scripted", "reply": {"content": "It was lost."}}\n'


def shelved(catalog: Path, page: str = PAGE, tape: str = LINE, name: str = "it_goes_wrong") -> Path:
    (catalog / name).mkdir()
    (catalog / name / "scenario.py").write_text(page)
    (catalog / name / "tape.jsonl").write_text(tape)
    return catalog


def test_a_page_is_read_with_its_story(tmp_path: Path) -> None:
    page = load_scenario("it_goes_wrong", shelved(tmp_path))
    assert (page.name, page.title, page.story) == (
        "it_goes_wrong",
        "It goes wrong.",
        "And this is how.",
    )
    assert [name for name, _, _ in page.variants()] == ["twin"]


def test_an_unknown_name_gets_the_nearest_names(tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError, match="did you mean it_goes_wrong"):
        load_scenario("it_go_wrong", shelved(tmp_path))


def test_a_name_that_is_like_no_other_is_told_where_the_list_is() -> None:
    with pytest.raises(ScenarioNotFoundError, match="`make scenarios` lists them"):
        load_scenario("zzzzzzzzzz")


@pytest.mark.parametrize("name", ["..", "../catalog", "", "/etc", "it_goes_wrong/../it_goes_wrong"])
def test_a_name_is_never_a_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError):
        load_scenario(name, shelved(tmp_path))


def test_an_agent_that_no_lane_knows_is_refused_with_the_nearest(tmp_path: Path) -> None:
    misspelt = PAGE.replace('"summarizer"', '"sumarizer"')
    with pytest.raises(ScenarioNotFoundError, match=r"agent 'sumarizer'.*nearest: summarizer"):
        load_scenario("it_goes_wrong", shelved(tmp_path, misspelt))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PAGE.replace("SCENARIO =", "SCENE ="), "defines no SCENARIO"),
        (PAGE[PAGE.index("from ") :], "has no docstring"),
    ],
)
def test_a_page_that_lacks_something_is_refused(page: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioNotFoundError, match=f"scenario.py: {reason}"):
        load_scenario("it_goes_wrong", shelved(tmp_path, page))


def test_a_folder_without_a_page_is_no_scenario(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert scenario_names(shelved(tmp_path)) == ("it_goes_wrong",)


def test_a_page_is_read_with_no_framework_imported(house: Path) -> None:
    """Judging a recorded trace takes no second, as long as no page brings a framework along."""
    code = (
        "import sys; from scenarios.player.scenario_loader import load, names\n"
        "for name in names():\n"
        "    load(name)\n"
        "    print(name, *sys.modules.keys() & {'mlflow', 'crewai', 'autogen_agentchat', 'openai'})"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=house, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == list(scenario_names())
