"""The command `governance`: text, JSON and Markdown, and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.support.cli_runner import CommandResult, run_command

CATALOG = Path(__file__).parents[3] / "scenarios" / "catalog"
LATE_CHECK = CATALOG / "budget_is_checked_too_late" / "recorded"


def report(variant: str, *options: str) -> CommandResult:
    return run_command("", "governance", str(LATE_CHECK / f"{variant}.json"), *options)


def test_a_budget_that_was_checked_too_late_is_a_problem() -> None:
    done = report("broken")
    assert done.exit_code == 1
    assert "tokens, and its limit is" in done.stdout
    assert "completions were requested without a check of the budget" in done.stdout
    assert "rule find_objection" in done.stdout


def test_a_run_that_kept_its_limits_has_no_problems() -> None:
    done = report("fixed")
    assert (done.exit_code, "no problems" in done.stdout) == (0, True)
    assert "token_budget" in done.stdout


def test_a_tool_that_needs_an_authorization_can_be_named() -> None:
    done = report("fixed", "--action", "read_invoice")
    assert done.exit_code == 1
    assert "read_invoice was called, and nobody was asked to authorize it" in done.stdout


def test_the_report_is_also_json() -> None:
    done = report("broken", "--json")
    result = json.loads(done.stdout)
    assert done.exit_code == 1
    assert result.keys() == {
        *("name", "trace_ids", "problems", "guardrails", "actions", "completions", "tokens"),
        *("cost_usd", "unmeasured", "removed", "sent"),
    }
    assert result["guardrails"][0].keys() == {
        *("name", "checks", "allowed", "blocked", "failed", "limits", "reasons"),
    }
    assert len(result["problems"]) == 2


def test_the_report_is_also_markdown() -> None:
    lines = report("broken", "--markdown").stdout.splitlines()
    assert lines[0] == "## Governance of payments: 2 problems"
    assert "| guardrail | checked | allowed | blocked | failed |" in lines
    widths = {line.count("|") for line in lines if line.startswith("|")}
    assert widths == {6, 4}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.json",), "no such file"),
        ((str(LATE_CHECK / "broken.json"), "--json", "--markdown"), "either --markdown or --json"),
    ],
)
def test_what_cannot_be_read_is_an_error(arguments: tuple[str, ...], sentence: str) -> None:
    done = run_command("", "governance", *arguments)
    assert (done.exit_code, sentence in done.stderr) == (2, True)
