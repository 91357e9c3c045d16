"""A session in a store: `check --session` reads all its turns, `--trace` one of them."""

import mlflow
import pytest
from typer.testing import CliRunner

from instrumentation.trace.lookup import session_from_store
from instrumentation.trace.trace import NoTrace
from instrumentation.tracing import traced
from scenarios.cli.app import app
from scenarios.player.check import Recording, check
from scenarios.player.run import play
from scenarios.player.verdict import Seen
from scenarios.reports.terminal_report import checked, show

pytestmark = pytest.mark.long

NAME = "conversation_goes_well"


@pytest.fixture(scope="module")
def played(store: str) -> Seen:
    """The scenario's twin, played for the second time into one store."""
    play(NAME, store)
    (twin,) = play(NAME, store).variants
    return twin


def name(seen: Seen) -> str:
    assert seen.trace is not None
    assert seen.trace.session is not None
    return seen.trace.session.id


def test_a_session_is_read_with_all_its_turns(played: Seen, store: str) -> None:
    (seen,) = check(NAME, Recording(None, None, store, session=name(played))).variants
    assert seen.trace is not None
    assert len(seen.trace.roots) == 3
    assert seen.passed


def test_two_plays_are_two_sessions(store: str) -> None:
    one, other = (play(NAME, store).variants[0] for _ in range(2))
    assert name(one) != name(other)


def test_a_trace_of_a_session_is_one_turn_and_it_is_said_how_to_read_all(
    played: Seen, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played.trace is not None
    verdict = check(NAME, Recording(played.trace.ids[0], None, store))
    show(checked(verdict))
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


def test_the_command_reads_a_session_by_its_name(played: Seen, store: str) -> None:
    asked = ["check", NAME, "--session", name(played)]
    ended = CliRunner().invoke(app, asked, env={"MLFLOW_TRACKING_URI": store})
    assert (ended.exit_code, f"{NAME}: holds" in ended.stdout) == (0, True)


def test_a_session_is_found_in_whichever_experiment(store: str) -> None:
    for at in range(2):
        with (
            traced(store, "another"),
            mlflow.tracing.context(session_id="elsewhere"),
            mlflow.start_span("turn") as span,
        ):
            span.set_outputs(at)
    assert [root.outputs for root in session_from_store("elsewhere", store).roots] == [0, 1]


def test_a_session_of_more_than_a_page_is_read_to_its_end(store: str) -> None:
    with traced(store), mlflow.tracing.context(session_id="long"):
        for _ in range(101):
            mlflow.start_span_no_context("turn").end()
    assert len(session_from_store("long", store).roots) == 101


@pytest.mark.parametrize("session", ["nobody's", "nobodys", ""])
def test_a_session_that_is_not_there_is_said_in_a_sentence(session: str, store: str) -> None:
    with pytest.raises(NoTrace, match="no session"):
        check(NAME, Recording(None, None, store, session=session))
