"""A session in a store: `check --session` reads all its turns, `--trace` one of them."""

import mlflow
import pytest
from typer.testing import CliRunner

from instrumentation.trace.lookup import fetch_session
from instrumentation.trace.trace import TraceNotFoundError
from instrumentation.tracing import enable_tracing
from scenarios.cli.app import app
from scenarios.player.check import TraceSource, check_scenario
from scenarios.player.run import run_scenario
from scenarios.player.verdict import VariantResult
from scenarios.reports.terminal_report import print_report, render_check

pytestmark = pytest.mark.long

NAME = "conversation_goes_well"


@pytest.fixture(scope="module")
def played(store: str) -> VariantResult:
    """The scenario's twin, played for the second time into one store."""
    run_scenario(NAME, store)
    (twin,) = run_scenario(NAME, store).variants
    return twin


def name(seen: VariantResult) -> str:
    assert seen.trace is not None
    assert seen.trace.session is not None
    return seen.trace.session.id


def test_a_session_is_read_with_all_its_turns(played: VariantResult, store: str) -> None:
    (seen,) = check_scenario(NAME, TraceSource(None, None, store, session=name(played))).variants
    assert seen.trace is not None
    assert len(seen.trace.roots) == 3
    assert seen.passed


def test_two_plays_are_two_sessions(store: str) -> None:
    one, other = (run_scenario(NAME, store).variants[0] for _ in range(2))
    assert name(one) != name(other)


def test_a_trace_of_a_session_is_one_turn_and_it_is_said_how_to_read_all(
    played: VariantResult, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played.trace is not None
    verdict = check_scenario(NAME, TraceSource(played.trace.ids[0], None, store))
    print_report(render_check(verdict))
    assert not verdict.passed
    assert f"one turn of a session: --session {name(played)} reads them all" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--session", "s"), "--session needs the NAME of the scenario"),
        ((NAME, "--session", "s", "--trace", "tr-1"), "--trace is one trace, --session is many"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(
    arguments: tuple[str, ...], sentence: str
) -> None:
    ended = CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": "200"})
    assert (ended.exit_code, sentence in ended.stderr) == (2, True)


def test_the_command_reads_a_session_by_its_name(played: VariantResult, store: str) -> None:
    asked = ["check", NAME, "--session", name(played)]
    ended = CliRunner().invoke(app, asked, env={"MLFLOW_TRACKING_URI": store})
    assert (ended.exit_code, f"{NAME}: holds" in ended.stdout) == (0, True)


def test_a_session_is_found_in_whichever_experiment(store: str) -> None:
    for at in range(2):
        with (
            enable_tracing(store, experiment="another"),
            mlflow.tracing.context(session_id="elsewhere"),
            mlflow.start_span("turn") as span,
        ):
            span.set_outputs(at)
    assert [root.outputs for root in fetch_session("elsewhere", store).roots] == [0, 1]


def test_a_session_of_more_than_a_page_is_read_to_its_end(store: str) -> None:
    with enable_tracing(store), mlflow.tracing.context(session_id="long"):
        for _ in range(101):
            mlflow.start_span_no_context("turn").end()
    assert len(fetch_session("long", store).roots) == 101


@pytest.mark.parametrize("session", ["nobody's", "nobodys", ""])
def test_a_session_that_is_not_there_is_said_in_a_sentence(session: str, store: str) -> None:
    with pytest.raises(TraceNotFoundError, match="no session"):
        check_scenario(NAME, TraceSource(None, None, store, session=session))
