"""Checking a stored session: `--session` reads all its turns, `--trace` one of them."""

import mlflow
import pytest
from typer.testing import CliRunner

from instrumentation.trace import TraceNotFoundError
from instrumentation.trace.lookup import fetch_session
from instrumentation.tracing import enable_tracing
from scenarios.cli.app import app
from scenarios.player.check_scenario import TraceSource, check_scenario
from scenarios.player.run import run_scenario
from scenarios.player.verdict import VariantResult
from scenarios.reports.terminal_report import print_report, render_check

pytestmark = pytest.mark.long

NAME = "conversation_goes_well"


@pytest.fixture(scope="module")
def second_run(store: str) -> VariantResult:
    """The result of the scenario's twin, run for the second time into one store."""
    run_scenario(NAME, store)
    (twin,) = run_scenario(NAME, store).variants
    return twin


def session_id(result: VariantResult) -> str:
    assert result.trace is not None
    assert result.trace.session is not None
    return result.trace.session.id


def test_a_session_is_checked_with_all_its_turns(second_run: VariantResult, store: str) -> None:
    (result,) = check_scenario(
        NAME, TraceSource(None, None, store, session=session_id(second_run))
    ).variants
    assert result.trace is not None
    assert len(result.trace.roots) == 3
    assert result.passed


def test_two_runs_are_two_sessions(store: str) -> None:
    one, other = (run_scenario(NAME, store).variants[0] for _ in range(2))
    assert session_id(one) != session_id(other)


def test_a_trace_of_a_session_points_to_the_whole_session(
    second_run: VariantResult, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert second_run.trace is not None
    verdict = check_scenario(NAME, TraceSource(second_run.trace.ids[0], None, store))
    print_report(render_check(verdict))
    assert not verdict.passed
    assert f"one turn of a session; use --session {session_id(second_run)} to check all" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--session", "s"), "--session needs the NAME of a scenario"),
        ((NAME, "--session", "s", "--trace", "tr-1"), "--trace and --session exclude each other"),
    ],
)
def test_conflicting_options_are_reported(arguments: tuple[str, ...], sentence: str) -> None:
    ended = CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": "200"})
    assert (ended.exit_code, sentence in ended.stderr) == (2, True)


def test_the_command_checks_a_session_by_its_id(second_run: VariantResult, store: str) -> None:
    arguments = ["check", NAME, "--session", session_id(second_run)]
    ended = CliRunner().invoke(app, arguments, env={"MLFLOW_TRACKING_URI": store})
    assert (ended.exit_code, f"{NAME}: passed" in ended.stdout) == (0, True)


def test_a_session_is_found_in_any_experiment(store: str) -> None:
    for at in range(2):
        with (
            enable_tracing(store, experiment="another"),
            mlflow.tracing.context(session_id="elsewhere"),
            mlflow.start_span("turn") as span,
        ):
            span.set_outputs(at)
    assert [root.outputs for root in fetch_session("elsewhere", store).roots] == [0, 1]


def test_a_session_of_several_pages_is_read_completely(store: str) -> None:
    with enable_tracing(store), mlflow.tracing.context(session_id="long"):
        for _ in range(101):
            mlflow.start_span_no_context("turn").end()
    assert len(fetch_session("long", store).roots) == 101


@pytest.mark.parametrize("session", ["nobody's", "nobodys", ""])
def test_a_missing_session_is_reported(session: str, store: str) -> None:
    with pytest.raises(TraceNotFoundError, match=r"no session|not a valid session"):
        check_scenario(NAME, TraceSource(None, None, store, session=session))
