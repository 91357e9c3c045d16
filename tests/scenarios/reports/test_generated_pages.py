"""What is shown was produced: the mend, the mark, the pages, the lock and the doors."""

import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from instrumentation.trace.canonical_json import load_trace
from scenarios.player.accept import find_stale_files
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names
from scenarios.reports import generated_pages
from scenarios.reports.origin_marker import MARKER, mark_origin
from scenarios.reports.variant_diff import SourceFile as PageSource
from scenarios.reports.variant_diff import diff_variants, explain_mistakes, variant_settings
from scenarios.scenario import Origin

WORKFLOW = "workflows.graphflow_review:review"


def test_the_mend_shows_the_mistake_and_the_default_that_takes_its_place() -> None:
    diff = diff_variants(scenario_folder("reviewer_says_cannot_approve").page, WORKFLOW)
    assert "-def says_approve(message" in diff
    assert "-    approves=says_approve," in diff
    assert "+def approved(message" in diff
    assert "+    approves=approved," in diff


def test_the_mend_follows_a_default_to_the_module_that_defines_it() -> None:
    diff = diff_variants(scenario_folder("stream_is_cut").page, WORKFLOW)
    assert "+class WholeAnswers(OpenAIChatCompletionClient):" in diff
    assert " def watched(agent" in diff


def test_a_default_that_the_page_has_brought_too_is_shown_once() -> None:
    name = "empty_result_is_filled_in"
    diff = diff_variants(scenario_folder(name).page, load_scenario(name).workflow)
    assert diff.count("def structured(") == 1


@pytest.mark.parametrize("name", [name for name in scenario_names() if load_scenario(name).broken])
def test_every_mend_changes_something_and_every_mistake_has_a_reason(name: str) -> None:
    page = scenario_folder(name).page
    assert re.search(
        r"^[-+] {4}\w+=", diff_variants(page, load_scenario(name).workflow), re.MULTILINE
    )
    assert explain_mistakes(page)
    assert variant_settings(PageSource.read(page), "broken")


def test_the_mark_stands_at_one_span_and_the_rest_is_the_outline() -> None:
    place = scenario_folder("summarizer_never_sees_the_draft")
    trace, golden = (
        load_trace(place.recorded_trace("broken")),
        place.golden("broken").read_text("utf-8"),
    )
    lines = mark_origin(trace, load_scenario(place.path.name).origin).splitlines()
    assert [line[2:] for line in lines] == golden.splitlines()
    (line,) = (line for line in lines if line.startswith(MARKER))
    assert "generator → summarizer" in line


def test_a_mark_whose_span_is_not_there_is_no_mark() -> None:
    trace = load_trace(scenario_folder("review_goes_well").recorded_trace("twin"))
    assert MARKER not in mark_origin(trace, Origin("nobody", "nothing"))


def test_a_page_that_was_typed_into_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_stale_files() == ()
    produced = [(path, f"{text}\nmore") for path, text in generated_pages.generate_pages()]
    monkeypatch.setattr(generated_pages, "generate_pages", lambda: iter(produced))
    assert (
        len(find_stale_files()) == len(scenario_names()) + 2
    )  # the README of the house, and that of the patches


def test_the_readmes_have_a_place_for_every_produced_part(house: Path) -> None:
    readmes = (house / "README.md", house / "patches" / "README.md")
    text = "".join(readme.read_text("utf-8") for readme in readmes)
    assert sorted(generated_pages.GENERATED_PART.findall(text), key=str) == sorted(
        (
            (f"<!-- produced: {part} -->\n", part, "<!-- end -->")
            for part in generated_pages.PART_RENDERERS
        ),
        key=str,
    )


def test_parts_of_the_readme_are_made_anew_and_the_rest_is_left_alone() -> None:
    text = "before\n<!-- produced: doors -->\ntyped\n<!-- end -->\nafter\n"
    made = generated_pages.render_project_page(text)
    assert made.startswith("before\n<!-- produced: doors -->\n- `make help`: ")
    assert made.endswith("\n<!-- end -->\nafter\n")
    assert "typed" not in made
    assert generated_pages.render_project_page(made) == made


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "tests/old_env/requirements.lock",
        "integrations/environments/openinference.lock",
        "integrations/environments/openlit.lock",
        "integrations/environments/openllmetry.lock",
        "tests/phoenix_env/requirements.lock",
    ],
)
def test_a_lock_has_hashes_and_no_address(lock: str, house: Path) -> None:
    text = (house / lock).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    pinned = re.findall(r"^\S+==", text, re.MULTILINE)
    assert len(pinned) > 20
    entries = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_holds_what_the_project_asks_for(house: Path) -> None:
    project = tomllib.loads((house / "pyproject.toml").read_text("utf-8"))
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    named = {re.split(r"[\[<>=; ]", one)[0] for one in asked}
    locked = re.findall(r"^([a-z0-9-]+)==", (house / "requirements.lock").read_text(), re.MULTILINE)
    assert named <= set(locked)


def test_every_door_is_listed_by_make_help(house: Path) -> None:
    told = subprocess.run(["make", "help"], cwd=house, capture_output=True, text=True, check=True)
    text = (house / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert set(re.findall(r"^  make ([a-z-]+)", told.stdout, re.MULTILINE)) == set(phony.split())


def test_nothing_but_this_machine_is_talked_to() -> None:
    """`--allow-hosts` in pyproject.toml holds for every test; here it is seen to hold."""
    refused = pytest.raises(SocketConnectBlockedError)
    with refused, pytest.warns(UserWarning, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_lesson_reads_no_environment_and_asks_nobody(house: Path) -> None:
    for lesson in (house / "workflows").glob("*_*.py"):
        text = lesson.read_text("utf-8")
        assert not re.search(r"os\.environ|input\(|argparse|typer|set_tracking_uri|autolog", text)


def test_instrumentation_can_be_lifted_without_the_player(house: Path) -> None:
    """A program of one's own needs `instrumentation` and `patches`, and nothing above them."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; import instrumentation.tracing, instrumentation.attempts\n"
            "print([m for m in sys.modules if m.split('.')[0] in ('scenarios', 'workflows')])",
        ],
        cwd=house,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[]"


def test_the_mark_at_a_tool_shows_what_it_answered() -> None:
    name = "quarterly_figure_becomes_annual"
    lines = mark_origin(
        load_trace(scenario_folder(name).recorded_trace("broken")), load_scenario(name).origin
    ).splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.startswith(MARKER))
    assert "world_bank_indicator" in lines[at]
    assert lines[at + 1].strip().startswith('→ {"period": ')
