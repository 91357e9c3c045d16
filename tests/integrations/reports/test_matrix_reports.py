"""The report of the matrix: a line a cell, what changed beneath it, and the same for programs."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.comparison import TableComparison
from integrations.goldens.request_drift import RequestDrift
from integrations.matrix.environment_result import EnvironmentResult
from integrations.reports.matrix_json import matrix_document
from integrations.reports.matrix_markdown import matrix_markdown
from integrations.reports.matrix_summary import summary_row
from integrations.reports.matrix_terminal import MAX_SENTENCES, render_matrix
from integrations.runner.case_result import CaseResult
from integrations.trees.edit_script import Edit
from scenarios.player.fidelity import FidelityCount
from scenarios.tape.drift import Change
from tests.integrations.sample_results import (
    HANDOFF_GAP,
    LOST_EDIT,
    PROMPT_DRIFT,
    make_case_result,
    make_environment_result,
)

MISSED = make_case_result(counts={"tools": FidelityCount(2, 2), "handoffs": FidelityCount(1, 0)})


def shown(*seen: EnvironmentResult, width: int = 200) -> str:
    """What is printed where there is no terminal."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(render_matrix(seen))
    return out.getvalue()


def rows(text: str) -> Sequence[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_cell_in_which_all_is_well_is_one_line() -> None:
    assert rows(shown(make_environment_result(make_case_result()))) == [
        "cell verdict cases whole known gaps trees changed prompts changed built flown disk",
        "a cell passed plain autolog 1/1 0 0 0 12 s 7 s 600 MB",
        "",
        "matrix: passed",
    ]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_in_a_narrow_window_no_word_is_cut(width: int) -> None:
    name = f"crewai @ crewai-{'x' * 64}.whl" if width > 100 else "my cell"
    named = ("plain autolog", "autolog of both", "ours", "its own OpenTelemetry")
    seen = make_environment_result(
        *(make_case_result(instrumentor=each) for each in named), spec=EnvironmentSpec(name)
    )
    text = " ".join(shown(seen, width=width).split())
    assert "…" not in text
    for word in (*name.split(), "OpenTelemetry", "600 MB", "prompts"):
        assert word in text


def test_a_known_gap_fails_nothing_and_is_named() -> None:
    text = shown(make_environment_result(MISSED, known=[HANDOFF_GAP]))
    assert "no_handoffs" in text
    assert "matrix: passed" in text


def test_an_undeclared_gap_fails_its_cell_and_says_why() -> None:
    text = shown(make_environment_result(MISSED))
    assert "undeclared: crewai, plain autolog: handoffs of sequential (0 of 1)" in text
    assert "matrix: FAILED" in text


def test_known_gaps_are_counted_where_another_instrumentor_is_held_against_the_table() -> None:
    seen = make_environment_result(MISSED, known=[HANDOFF_GAP])
    held = TableComparison(seen.spec, "crewai", "its own OpenTelemetry", ())
    assert summary_row(replace(seen, table_comparisons=(held,)))[3] == "1"
    assert (
        summary_row(replace(seen, table_comparisons=(held,), gap_reconciliations=()))[3]
        == "the table's"
    )
    assert summary_row(replace(seen, gap_reconciliations=()))[3] == "0"


def test_a_gap_that_is_mended_fails_its_cell_and_names_the_patch() -> None:
    text = shown(make_environment_result(make_case_result(), known=[HANDOFF_GAP]))
    assert "mended upstream: no_handoffs" in text
    assert "delete the patch a_patch" in text


def test_the_same_edit_in_many_cases_is_told_once() -> None:
    many = [make_case_result(f"case_{n}", edits=(LOST_EDIT,)) for n in range(5)]
    told = [
        line for line in shown(make_environment_result(*many)).splitlines() if "span lost" in line
    ]
    assert [" ".join(line.split()) for line in told] == [
        "plain autolog: office › writer › Completions: span lost × 2"
        " (crewai/case_0, crewai/case_1, crewai/case_2 and 2 more)"
    ]


def test_a_changed_tree_fails_the_locked_cell_alone() -> None:
    changed = make_case_result(edits=(LOST_EDIT,))
    assert make_environment_result(changed).passed
    locked = make_environment_result(changed, spec=EnvironmentSpec("locked"))
    assert not locked.passed
    assert "not as their goldens: if it is right, python -m integrations accept" in shown(locked)


def test_a_case_without_a_golden_fails_the_locked_cell() -> None:
    (trouble,) = make_environment_result(
        make_case_result(without_golden=True), spec=EnvironmentSpec("locked")
    ).problems
    assert trouble.startswith("crewai/sequential have no golden")


def test_a_changed_prompt_is_told_message_by_message_and_fails_nothing() -> None:
    seen = make_environment_result(
        make_case_result(request_drifts=(PROMPT_DRIFT,)),
        make_case_result(request_drifts=(PROMPT_DRIFT,)),
    )
    text = shown(seen)
    assert text.count("message 1 (system) was 'a|b' and is 'c'") == 1
    assert "1 (text)" in text
    assert seen.passed


def test_the_same_change_of_many_calls_is_told_once_and_the_worst_first() -> None:
    (worded,) = PROMPT_DRIFT.changes
    silent = RequestDrift("critic", 0, (Change("agent", "asks nothing any more, and asked once"),))
    calls = [RequestDrift("writer", call, (worded,)) for call in range(1, 6)]
    text = rows(
        shown(
            make_environment_result(
                make_case_result(request_drifts=(*calls, silent)),
                make_case_result("flow", request_drifts=(PROMPT_DRIFT,)),
            )
        )
    )
    assert [line for line in text if line.startswith(("writer", "critic"))] == [
        "critic (agent): asks nothing any more, and asked once (crewai/sequential)",
        "writer, call 1; writer, call 2; writer, call 3 and 2 more (text):"
        " message 1 (system) was 'a|b' and is 'c' (crewai/sequential, crewai/flow)",
    ]


def test_the_worst_edit_comes_first_whoever_told_so() -> None:
    mild = Edit("attribute new", "office", "attribute new: cost")
    seen = make_environment_result(
        make_case_result(edits=(mild,)), make_case_result(instrumentor="zipkin", edits=(LOST_EDIT,))
    )
    first, second = (line for line in rows(shown(seen)) if "office" in line)
    assert (first.split(":")[0], second.split(":")[0]) == ("zipkin", "plain autolog")


def test_a_cell_that_cannot_be_installed_fails_with_the_resolvers_reason() -> None:
    seen = make_environment_result(install_error="because crewai needs openai<3")
    assert seen.problems == ("could not be installed: because crewai needs openai<3",)
    assert "not installable" in shown(seen)


def test_a_declared_conflict_must_be_one() -> None:
    declared = EnvironmentSpec("a conflict", ("openai>=3",), expects_conflict=True)
    assert make_environment_result(
        spec=declared, install_error="because crewai needs openai<3"
    ).passed
    assert not make_environment_result(spec=declared).passed


def test_what_a_version_does_not_have_is_told_and_counts_for_nothing() -> None:
    seen = make_environment_result(
        make_case_result(),
        make_case_result("akickoff", counts={}, unsupported="this CrewAI has no akickoff"),
    )
    assert seen.passed
    assert "plain autolog 1/1" in shown(seen)
    assert "this CrewAI has no akickoff (crewai/akickoff)" in shown(seen)


def test_a_terminal_is_told_of_the_first_and_how_many_more_there_are() -> None:
    many = tuple(replace(LOST_EDIT, path=f"span {n}") for n in range(MAX_SENTENCES + 4))
    seen = make_environment_result(make_case_result(edits=many))
    assert "and 4 more: --markdown FILE or --json has them" in shown(seen)
    assert f"span {MAX_SENTENCES + 3}" in matrix_markdown([seen])


def test_markdown_shows_what_is_told_and_obeys_nothing_in_it() -> None:
    text = matrix_markdown(
        [make_environment_result(make_case_result(request_drifts=(PROMPT_DRIFT,)))]
    )
    assert "## Version matrix: passed" in text
    assert "a\\|b" in text
    assert "<details><summary>a cell</summary>" in text


def test_markdown_opens_the_cell_that_failed() -> None:
    assert "<details open>" in matrix_markdown([make_environment_result(MISSED)])


@pytest.mark.parametrize(
    "seen",
    [
        make_case_result(),
        MISSED,
        make_case_result(edits=(LOST_EDIT,), request_drifts=(PROMPT_DRIFT,)),
    ],
)
def test_the_json_has_the_keys_that_are_documented(seen: CaseResult) -> None:
    told = json.loads(
        json.dumps(matrix_document([make_environment_result(seen, known=[HANDOFF_GAP])]))
    )
    assert set(told) == {"format", "passed", "cells"}
    (cell,) = told["cells"]
    assert set(cell) == {
        *("cell", "requirements", "passed", "troubles", "not_installable", "packages"),
        *("seconds", "bytes", "rows", "gaps", "unlike_table"),
    }
    (only,) = cell["rows"]
    assert set(only) == {
        *("framework", "case", "instrumentor", "absent", "trouble", "counts"),
        *("bytes", "edits", "drift"),
    }


def test_the_json_tells_the_state_of_each_gap() -> None:
    def states(seen: EnvironmentResult) -> list[tuple[str, str | None]]:
        return [(gap["state"], gap["gap"]) for gap in matrix_document([seen])["cells"][0]["gaps"]]

    assert states(make_environment_result(MISSED, known=[HANDOFF_GAP])) == [
        ("known", "no_handoffs")
    ]
    assert states(make_environment_result(make_case_result(), known=[HANDOFF_GAP])) == [
        ("mended", "no_handoffs")
    ]
    assert states(make_environment_result(MISSED)) == [("undeclared", None)]
