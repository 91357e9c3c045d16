"""Invalid scenarios, traces, stores and folders are reported, and nothing else is changed."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import IN_PROGRESS, Span
from instrumentation.trace.trace import Trace, TraceNotFoundError
from scenarios.expectations import hands_off, never_runs, takes_turns
from scenarios.player import accept as accepting
from scenarios.player import run as player
from scenarios.player import variant_run
from scenarios.player.accept import AcceptanceError, accept
from scenarios.player.check_scenario import TraceSource, check_scenario
from scenarios.player.run import run_scenario
from scenarios.player.scenario_loader import (
    ScenarioFolder,
    ScenarioNotFoundError,
    load_scenario,
    scenario_folder,
)
from scenarios.player.verdict import (
    ExpectationResult,
    VariantResult,
    Verdict,
    evaluate,
    find_broken_problems,
)
from scenarios.replay.replay_server import replay_tape
from scenarios.reports.atomic_write import FileNotWrittenError
from scenarios.reports.document_parts import code_block, render_document
from scenarios.reports.terminal_report import print_report, render_verdict
from scenarios.scenario import FailureOrigin
from scenarios.traces.store.tracking_uri import StoreUnavailableError, require_reachable
from tests.scenarios.player.test_scenario_loader import PAGE, make_scenario
from tests.support.cli_runner import run_command, run_in_subprocess
from tests.support.file_system import folder_contents
from tests.support.tapes import make_tape, reply_line

NAME = "review_goes_well"
HOSTILE_NAME = "```\n<!-- end -->\x1b[2J|"
VERDICT = Verdict(
    "it",
    (
        VariantResult(
            "fixed", Trace((Span(HOSTILE_NAME, "CHAIN"),)), (ExpectationResult("ends", None),)
        ),
    ),
)


@pytest.mark.long
def test_an_existing_or_unwritable_tape_is_reported_before_a_model_is_called(
    tmp_path: Path,
) -> None:
    existing = tmp_path / "tape.jsonl"
    existing.write_text("{}")
    for path, reason in (
        (existing, "the file is not empty"),
        (tmp_path / "no/tape.jsonl", "cannot be written"),
    ):
        with replay_tape(make_tape(reply_line("generator", "x"))) as replay:
            model = {"MODEL_NAME": "m", "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": replay.base_url}
            command = ("live", "graphflow_review", "task", "--record", str(path))
            done = run_command(f"sqlite:///{tmp_path / 'm.db'}", *command, **model)
            assert done.exit_code == 2
            assert reason in done.stderr
            assert not replay.ledger.exchanges


def test_an_origin_without_a_span_fails_the_scenario(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = load_scenario("reviewer_says_cannot_approve")
    misspelled = dataclasses.replace(
        scenario, origin=FailureOrigin("reviewr", "reviewer → summarzer")
    )
    monkeypatch.setattr(player, "load_scenario", lambda _: misspelled)
    verdict = run_scenario(scenario.name, store)
    assert not verdict.passed
    assert verdict.variants[0].problems == (
        "the broken trace has no span 'reviewer → summarzer' of reviewr, the origin",
    )


def test_a_scenario_without_an_origin_or_an_explained_mistake_is_not_accepted(
    tmp_path: Path,
) -> None:
    name = "summarizer_never_sees_the_draft"
    page, folder = load_scenario(name), scenario_folder(name)
    bare = ScenarioFolder(tmp_path)
    bare.variants.write_text(folder.variants.read_text("utf-8").replace("The mistake", "A slip"))
    trace = Trace((Span("review", "CHAIN"),))
    bad = dataclasses.replace(page, origin=None, source=" ")
    problems = tuple(find_broken_problems(bad, trace, bare))
    assert problems == (
        "scenario.py: origin is missing; name the span in which the failure begins:"
        " origin=FailureOrigin(AGENT, SPAN)",
        "scenario.py: source is empty",
        "variants.py: the docstring of ForwardsOnlyTheLastWord does not explain the mistake;"
        " begin it with 'The mistake:'",
    )
    with pytest.raises(AcceptanceError, match="origin is missing"):
        accept(Verdict(name, (VariantResult("broken", trace, (), problems=problems),)))


def test_the_first_good_run_of_a_scenario_is_new_and_not_failed(
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = ScenarioFolder(tmp_path / NAME)
    shutil.copytree(scenario_folder(NAME).path, folder.path)
    folder.golden("twin").unlink()
    monkeypatch.setattr(variant_run, "scenario_folder", lambda _: folder)
    verdict = run_scenario(NAME, store)
    assert (verdict.passed, verdict.is_new) == (True, True)
    print_report(render_verdict(load_scenario(NAME), verdict))
    summary = f"{NAME}: new: review the outline, then accept it: python -m scenarios accept {NAME}"
    assert summary in capsys.readouterr().out


def test_a_trace_with_two_roots_fails_every_expectation() -> None:
    turn = Span("a", "AGENT")
    two_roots = Trace((turn, turn))
    (judgement,) = evaluate(two_roots, [takes_turns("a", 2)])
    assert judgement.failure is not None
    assert "one root span, but the run has 2" in judgement.failure


def test_a_span_that_never_ended_fails_every_expectation() -> None:
    open_span = Span("b", "LLM", IN_PROGRESS)
    trace = Trace((Span("a", "AGENT", children=(open_span,)),))
    (result,) = evaluate(trace, [takes_turns("a", 1)])
    assert result.failure == "the span b never ended, so the trace is not complete"


def test_a_trace_without_agents_does_not_prove_that_one_never_runs() -> None:
    assert never_runs("a").explain_failure(Trace((Span("root", "CHAIN"),)))


def test_a_foreign_handoff_without_a_score_fails_and_does_not_crash() -> None:
    handed = Span("a → b", "HANDOFF", attributes={"flight_recorder.handoff.from_agent": "a"})
    trace = Trace((Span("root", "CHAIN", children=(handed,)),))
    (judgement,) = evaluate(trace, [hands_off("a", "b")])
    assert not judgement.passed


def test_a_file_that_is_nested_too_deeply_is_not_a_trace(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000)
    with pytest.raises(TraceNotFoundError, match=r"deep\.json"):
        check_scenario(NAME, TraceSource(str(deep), None, ""))


@pytest.mark.parametrize("uri", ["sqlite:", "sqlite:///", "sqlite:///:memory:", "ftp://x", "x"])
def test_a_store_that_stores_nothing_is_rejected(uri: str) -> None:
    with pytest.raises(StoreUnavailableError, match="MLFLOW_TRACKING_URI"):
        require_reachable(uri)


def test_a_file_that_is_not_a_database_is_not_changed(tmp_path: Path) -> None:
    precious = tmp_path / "notes.db"
    precious.write_text("not a database")
    with pytest.raises(StoreUnavailableError, match="is not a SQLite database"):
        require_reachable(f"sqlite:///{precious}")
    assert precious.read_text() == "not a database"


def test_the_password_in_a_store_uri_is_not_outline() -> None:
    with pytest.raises(StoreUnavailableError) as error:
        require_reachable("postgresql://me:hidden-word@127.0.0.1:1/db")
    assert "hidden-word" not in str(error.value)


def test_an_outline_has_no_control_characters() -> None:
    outline = render_outline(Trace((Span("\x1b[2J root\nfake", "CHAIN", "ERROR", "\x07 boom"),)))
    assert outline.count("\n") == 1
    assert not {"\x1b", "\x07"} & set(outline)


def test_an_edited_golden_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scenario_folder(NAME)
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded/twin.json").write_bytes(real.recorded_trace("twin").read_bytes())
    golden = real.golden("twin").read_text("utf-8")
    monkeypatch.setattr(accepting, "scenario_names", lambda: (NAME,))
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    monkeypatch.setattr("scenarios.reports.generated_documents.generate_pages", lambda: iter(()))
    (tmp_path / "twin.golden.txt").write_text(golden, "utf-8")
    assert accepting.find_stale_files() == ()
    (tmp_path / "twin.golden.txt").write_text(golden.replace("83 out", "84 out"), "utf-8")
    assert accepting.find_stale_files() == (tmp_path / "twin.golden.txt",)


@pytest.mark.long
def test_a_terminal_without_unicode_works() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run_in_subprocess("check", NAME, **plain).returncode == 0


@pytest.mark.parametrize("link", ["fixed.golden.txt", "recorded"])
def test_accept_does_not_follow_links_out_of_the_folder(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("precious")
    (tmp_path / "inside").mkdir()
    target = tmp_path / "outside" / ("" if link == "recorded" else "file")
    (tmp_path / "inside" / link).symlink_to(target)
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path / "inside"))
    with pytest.raises(FileNotWrittenError, match=f"{link}: is a symbolic link"):
        accept(VERDICT)
    assert folder_contents(tmp_path / "outside") == {"file": b"precious"}


def test_accept_leaves_other_files_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog" / "it"
    folder.mkdir(parents=True)
    (tmp_path / "catalog/other.txt").write_text("other")
    (folder / ".fixed.golden.txt.tmp").write_text("of a killed run")
    before = folder_contents(tmp_path)
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(folder))
    accept(VERDICT)
    new = {"catalog/it/fixed.golden.txt", "catalog/it/recorded/fixed.json"}
    assert {
        name: content for name, content in folder_contents(tmp_path).items() if name not in new
    } == before


def test_a_golden_has_no_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    accept(VERDICT)
    golden = (tmp_path / "fixed.golden.txt").read_text("utf-8")
    assert golden.count("\n") == 1
    assert "\x1b" not in golden


def test_a_code_block_cannot_be_closed_by_its_text() -> None:
    assert code_block("a") == "```\na\n```"
    assert code_block("a\n  ````\nb", "diff") == "`````diff\na\n  ````\nb\n`````"


def test_a_generated_part_cannot_contain_its_end_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "scenarios.reports.document_parts.PART_RENDERERS", {"outline": lambda: HOSTILE_NAME}
    )
    page = "<!-- produced: outline -->\nold\n<!-- end -->\nafter\n"
    rendered = render_document(page)
    assert rendered == render_document(rendered)
    assert rendered.count("<!-- end -->") == 1


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PAGE + "\n1 / 0\n", r"line \d+ \(ZeroDivisionError"),
        ("import nothing_of_this_name", r"line 1 \(ModuleNotFoundError"),
        ("SCENARIO = (", r"line 1 \(SyntaxError"),
        ("x = '\0'", r"SyntaxError|ValueError"),
    ],
)
def test_a_scenario_file_that_fails_is_reported_with_the_line(
    page: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioNotFoundError, match=rf"scenario.py: cannot be imported.*{reason}"):
        load_scenario("it_goes_wrong", make_scenario(tmp_path, page))
