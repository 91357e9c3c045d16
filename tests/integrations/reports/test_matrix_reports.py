"""The reports of the matrix on a terminal, in Markdown and in JSON."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from integrations.environments.environment_spec import EnvironmentSpec
from integrations.fidelity.table_comparison import TableComparison
from integrations.goldens.request_drift import RequestDrift
from integrations.goldens.trees.edit_script import Edit
from integrations.reports.matrix_json import matrix_document
from integrations.reports.matrix_report import MAX_SENTENCES, matrix_markdown, render_matrix
from integrations.reports.matrix_summary import summary_row
from integrations.runner.case_result import CaseResult
from integrations.runner.matrix import EnvironmentResult
from scenarios.player.fidelity import FidelityCount
from scenarios.tape.requests.drift import Change
from tests.integrations.sample_results import (
    HANDOFF_GAP,
    LOST_EDIT,
    PROMPT_DRIFT,
    make_case_result,
    make_environment_result,
)

INCOMPLETE = make_case_result(
    counts={"tools": FidelityCount(2, 2), "handoffs": FidelityCount(1, 0)}
)


def printed(*result: EnvironmentResult, width: int = 200) -> str:
    """The report as it is printed without a terminal."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(render_matrix(result))
    return out.getvalue()


def rows(text: str) -> Sequence[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_an_environment_without_problems_is_one_line() -> None:
    assert rows(printed(make_environment_result(make_case_result()))) == [
        "environment verdict cases complete known gaps trees changed prompts changed build run"
        " disk",
        "an environment passed plain autolog 1/1 0 0 0 12 s 7 s 600 MB",
        "",
        "matrix: passed",
    ]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_no_word_is_cut_in_a_narrow_window(width: int) -> None:
    name = f"crewai @ crewai-{'x' * 64}.whl" if width > 100 else "my spec"
    named = ("plain autolog", "autolog of both", "ours", "its own OpenTelemetry")
    result = make_environment_result(
        *(make_case_result(instrumentor=each) for each in named), spec=EnvironmentSpec(name)
    )
    text = " ".join(printed(result, width=width).split())
    assert "…" not in text
    for word in (*name.split(), "OpenTelemetry", "600 MB", "prompts"):
        assert word in text


def test_a_known_gap_is_named_and_passes() -> None:
    text = printed(make_environment_result(INCOMPLETE, known_gaps=[HANDOFF_GAP]))
    assert "no_handoffs" in text
    assert "matrix: passed" in text


def test_an_undeclared_gap_fails_the_environment() -> None:
    text = printed(make_environment_result(INCOMPLETE))
    assert "undeclared gap: crewai, plain autolog: handoffs of sequential (0 of 1)" in text
    assert "matrix: FAILED" in text


def test_known_gaps_are_counted_beside_table_comparisons() -> None:
    result = make_environment_result(INCOMPLETE, known_gaps=[HANDOFF_GAP])
    comparison = TableComparison(result.spec, "crewai", "its own OpenTelemetry", ())
    assert summary_row(replace(result, table_comparisons=(comparison,)))[3] == "1"
    assert (
        summary_row(replace(result, table_comparisons=(comparison,), gap_reconciliations=()))[3]
        == "see FIDELITY.md"
    )
    assert summary_row(replace(result, gap_reconciliations=()))[3] == "0"


def test_a_fixed_gap_fails_the_environment_and_names_the_patch() -> None:
    text = printed(make_environment_result(make_case_result(), known_gaps=[HANDOFF_GAP]))
    assert "fixed upstream: no_handoffs" in text
    assert "delete the patch a_patch" in text


def test_the_same_edit_in_several_cases_is_printed_once() -> None:
    many = [make_case_result(f"case_{n}", edits=(LOST_EDIT,)) for n in range(5)]
    document = [
        line for line in printed(make_environment_result(*many)).splitlines() if "span lost" in line
    ]
    assert [" ".join(line.split()) for line in document] == [
        "plain autolog: office › writer › Completions: span lost × 2"
        " (crewai/case_0, crewai/case_1, crewai/case_2 and 2 more)"
    ]


def test_a_changed_tree_fails_only_the_locked_environment() -> None:
    changed = make_case_result(edits=(LOST_EDIT,))
    assert make_environment_result(changed).passed
    locked = make_environment_result(changed, spec=EnvironmentSpec("locked"))
    assert not locked.passed
    assert (
        "differ from their goldens: if this is intended, python -m integrations accept"
        in printed(locked)
    )


def test_a_case_without_golden_fails_the_locked_environment() -> None:
    (problem,) = make_environment_result(
        make_case_result(lacks_golden=True), spec=EnvironmentSpec("locked")
    ).problems
    assert problem.startswith("crewai/sequential have no golden")


def test_a_changed_prompt_is_described_and_passes() -> None:
    result = make_environment_result(
        make_case_result(request_drifts=(PROMPT_DRIFT,)),
        make_case_result(request_drifts=(PROMPT_DRIFT,)),
    )
    text = printed(result)
    assert text.count("message 1 (system) was 'a|b' and is 'c'") == 1
    assert "1 (text)" in text
    assert result.passed


def test_equal_prompt_changes_are_printed_once_with_the_worst_first() -> None:
    (text_change,) = PROMPT_DRIFT.changes
    lost_lane = RequestDrift("critic", 0, (Change("agent", "sends no requests any more"),))
    calls = [RequestDrift("writer", call, (text_change,)) for call in range(1, 6)]
    text = rows(
        printed(
            make_environment_result(
                make_case_result(request_drifts=(*calls, lost_lane)),
                make_case_result("flow", request_drifts=(PROMPT_DRIFT,)),
            )
        )
    )
    assert [line for line in text if line.startswith(("writer", "critic"))] == [
        "critic (agent): sends no requests any more (crewai/sequential)",
        "writer, call 1; writer, call 2; writer, call 3 and 2 more (text):"
        " message 1 (system) was 'a|b' and is 'c' (crewai/sequential, crewai/flow)",
    ]


def test_the_worst_edit_of_all_instrumentors_comes_first() -> None:
    mild = Edit("attribute new", "office", "attribute new: cost")
    result = make_environment_result(
        make_case_result(edits=(mild,)), make_case_result(instrumentor="zipkin", edits=(LOST_EDIT,))
    )
    first, second = (line for line in rows(printed(result)) if "office" in line)
    assert (first.split(":")[0], second.split(":")[0]) == ("zipkin", "plain autolog")


def test_an_environment_that_cannot_be_installed_fails_with_the_reason() -> None:
    result = make_environment_result(install_error="because crewai needs openai<3")
    assert result.problems == ("could not be installed: because crewai needs openai<3",)
    assert "not installable" in printed(result)


def test_a_declared_conflict_must_be_a_conflict() -> None:
    declared = EnvironmentSpec("a conflict", ("openai>=3",), expects_conflict=True)
    assert make_environment_result(
        spec=declared, install_error="because crewai needs openai<3"
    ).passed
    assert not make_environment_result(spec=declared).passed


def test_an_unsupported_case_is_listed_and_not_counted() -> None:
    result = make_environment_result(
        make_case_result(),
        make_case_result("akickoff", counts={}, unsupported="this CrewAI has no akickoff"),
    )
    assert result.passed
    assert "plain autolog 1/1" in printed(result)
    assert "this CrewAI has no akickoff (crewai/akickoff)" in printed(result)


def test_a_terminal_shows_the_first_sentences_and_counts_the_rest() -> None:
    many = tuple(replace(LOST_EDIT, path=f"span {n}") for n in range(MAX_SENTENCES + 4))
    result = make_environment_result(make_case_result(edits=many))
    assert "and 4 more: see --markdown FILE or --json" in printed(result)
    assert f"span {MAX_SENTENCES + 3}" in matrix_markdown([result])


def test_markdown_escapes_all_texts() -> None:
    text = matrix_markdown(
        [make_environment_result(make_case_result(request_drifts=(PROMPT_DRIFT,)))]
    )
    assert "## Version matrix: passed" in text
    assert "a\\|b" in text
    assert "<details><summary>an environment</summary>" in text


def test_markdown_opens_the_details_of_a_failed_environment() -> None:
    assert "<details open>" in matrix_markdown([make_environment_result(INCOMPLETE)])


@pytest.mark.parametrize(
    "result",
    [
        make_case_result(),
        INCOMPLETE,
        make_case_result(edits=(LOST_EDIT,), request_drifts=(PROMPT_DRIFT,)),
    ],
)
def test_the_json_has_the_documented_keys(result: CaseResult) -> None:
    document = json.loads(
        json.dumps(matrix_document([make_environment_result(result, known_gaps=[HANDOFF_GAP])]))
    )
    assert set(document) == {"format", "passed", "environments"}
    (environment,) = document["environments"]
    assert set(environment) == {
        *("environment", "requirements", "passed", "problems", "not_installable", "packages"),
        *("seconds", "bytes", "results", "gaps", "table_differences"),
    }
    (only,) = environment["results"]
    assert set(only) == {
        *("framework", "case", "instrumentor", "unsupported", "problem", "counts"),
        *("bytes", "edits", "drift"),
    }


def test_the_json_has_the_state_of_each_gap() -> None:
    def states(result: EnvironmentResult) -> list[tuple[str, str | None]]:
        return [
            (gap["state"], gap["gap"])
            for gap in matrix_document([result])["environments"][0]["gaps"]
        ]

    assert states(make_environment_result(INCOMPLETE, known_gaps=[HANDOFF_GAP])) == [
        ("known", "no_handoffs")
    ]
    assert states(make_environment_result(make_case_result(), known_gaps=[HANDOFF_GAP])) == [
        ("fixed", "no_handoffs")
    ]
    assert states(make_environment_result(INCOMPLETE)) == [("undeclared", None)]
