"""pytest plugin: answer a test's completions from a tape (`tape`), and read its trace (`trace`).

pytest loads it in every project of an environment that has `flight_recorder`, so it imports
nothing until a test uses one of them.

    @pytest.mark.tape("review.jsonl")
    def test_the_draft_reaches_the_editor(trace):
        review("a text")
        expect(trace, hands_off("writer", "editor"))
"""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from scenarios.programs.use_tape import TapeSession
    from scenarios.testing.traced_test import TracedTest

MARKER_HELP = (
    "tape(path, mode='none', tolerant=False, upstream=None, services=None): answer the test's"
    " completions from a tape; the path is relative to the test's file"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options --tape-mode and --trace-store."""
    group = parser.getgroup("flight_recorder", "Agent Flight Recorder")
    group.addoption(
        "--tape-mode",
        choices=("none", "once", "new_episodes", "all"),
        help="Record tapes, as vcrpy's modes do (default: that of the marker, else none).",
    )
    group.addoption(
        "--trace-store",
        metavar="URI",
        help="Keep the traces of tests in this MLflow store, with failed expectations as"
        " assessments (default: a temporary store).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER_HELP)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the marker request the fixture, before fixtures that make clients."""
    names: list[str] = getattr(item, "fixturenames", [])
    for fixture in ("trace", "tape"):
        marked = fixture == "tape" and item.get_closest_marker("tape") is not None
        if fixture in names or marked:
            names[:] = [fixture, *(name for name in names if name != fixture)]


_TAPE_KEY = pytest.StashKey["TapeSession"]()
_TRACE_KEY = pytest.StashKey["TracedTest"]()


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> Generator["TapeSession"]:
    """A tape that answers the test; its path and mode are those of the marker `tape`.

    `OPENAI_BASE_URL` and the addresses of other services on the tape point to a server on
    127.0.0.1, also for programs that the test starts.
    """
    from scenarios.tape.tape import TapeError
    from scenarios.testing.taped_test import TapeMarkerError, parse_marker, tape_test

    marker = request.node.get_closest_marker("tape")
    try:
        path, options = parse_marker(
            marker.args if marker else (),
            marker.kwargs if marker else {},
            request.path,
            request.node.name,
        )
        mode = request.config.getoption("--tape-mode") or options.pop("mode", "none")
        options.pop("mode", None)
        with tape_test(path, mode, options) as session:
            request.node.stash[_TAPE_KEY] = session
            yield session
    except (TapeError, TapeMarkerError) as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def trace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator["TracedTest"]:
    """The trace of the test, which can be read once the program has run.

    AutoGen, CrewAI and openai are recorded during the test, also in Python programs that it starts.
    A test that leaves no trace fails.
    """
    from scenarios.testing.traced_test import trace_test

    kept: str | None = request.config.getoption("--trace-store")
    store = kept or f"sqlite:///{_store_folder(request.config, tmp_path_factory)}/mlflow.db"
    with trace_test(request.node.nodeid, store, is_store_kept=kept is not None) as test:
        request.node.stash[_TRACE_KEY] = test
        yield test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose tape was not played as it is, or that has left no trace."""
    session, test = item.stash.get(_TAPE_KEY, None), item.stash.get(_TRACE_KEY, None)
    try:
        result = yield
    except pytest.skip.Exception:
        raise
    except BaseException as error:  # also Ctrl-C and `pytest.exit`, which leave a tape incomplete
        if session is not None:
            session.keep_old_tape()
            if problem := _explain_session(session):
                error.add_note(problem)  # often the cause, and not always named by the error
        raise
    problems = [_explain_session(session)] if session is not None else []
    if test is not None:
        from instrumentation.trace import TraceNotFoundError

        try:
            test.read_all()
        except TraceNotFoundError as error:
            problems.append(str(error))
    if any(problems):
        if session is not None:
            session.keep_old_tape()
        pytest.fail("\n".join(filter(None, problems)), pytrace=False)
    if session is not None and session.drift:
        item.add_report_section("call", "drift", "\n".join(map(str, session.drift)))
    return result


def _explain_session(session: "TapeSession") -> str:
    from scenarios.testing.taped_test import explain_session

    return explain_session(session)


_FOLDER_KEY = pytest.StashKey[Any]()


def _store_folder(config: pytest.Config, factory: pytest.TempPathFactory) -> Any:
    """The folder of the temporary store, which the tests of one process share."""
    if _FOLDER_KEY not in config.stash:
        config.stash[_FOLDER_KEY] = factory.mktemp("traces")
    return config.stash[_FOLDER_KEY]
