"""Accepting a run: goldens and recorded traces are written, unless the run has problems."""

from pathlib import Path

import pytest

from instrumentation.trace import Span, Trace
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.outline import render_outline
from scenarios.player import accept as accept_module
from scenarios.player.accept import AcceptanceError, accept
from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.variant_run import diff_outlines
from scenarios.player.verdict import ExpectationResult, VariantResult, Verdict

TRACE = Trace((Span("review", "CHAIN", outputs={"summary": "lost"}),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScenarioFolder:
    monkeypatch.setattr(accept_module, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    return ScenarioFolder(tmp_path)


def verdict(**details: object) -> Verdict:
    results = (ExpectationResult("ends OK", None),)
    return Verdict("it", (VariantResult("fixed", TRACE, results, **details),))  # type: ignore[arg-type]


def test_the_golden_is_the_outline_of_the_recorded_trace(folder: ScenarioFolder) -> None:
    assert accept(verdict()) == (folder.golden("fixed"), folder.recorded_trace("fixed"))
    assert folder.golden("fixed").read_text("utf-8") == render_outline(
        load_trace(folder.recorded_trace("fixed"))
    )


def test_unchanged_files_are_not_written_again(folder: ScenarioFolder) -> None:
    accept(verdict())
    assert accept(verdict()) == ()


def test_drift_is_accepted(folder: ScenarioFolder) -> None:
    assert accept(verdict(drift=("- old", "+ new")))


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (
            Verdict(
                "it",
                (VariantResult("fixed", TRACE, (ExpectationResult("ends OK", "it ended ERROR"),)),),
            ),
            "fixed: ends OK; but it ended ERROR",
        ),
        (verdict(problems=("no line answers",)), "fixed: no line answers"),
        (Verdict("it", (), ("tape.jsonl:3: no variant uses this line",)), "tape.jsonl:3"),
    ],
)
def test_a_run_with_problems_is_refused_and_changes_no_file(
    refused: Verdict, reason: str, folder: ScenarioFolder
) -> None:
    accept(verdict())
    before = folder.golden("fixed").read_bytes()
    with pytest.raises(AcceptanceError, match=reason):
        accept(refused)
    assert folder.golden("fixed").read_bytes() == before


def test_an_interrupted_write_leaves_the_old_file(
    folder: ScenarioFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(verdict())
    before = folder.golden("fixed").read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    other = Verdict("it", (VariantResult("fixed", Trace((Span("other", "CHAIN"),)), ()),))
    with pytest.raises(KeyboardInterrupt):
        accept(other)
    assert folder.golden("fixed").read_bytes() == before


def test_drift_is_a_diff_of_outlines() -> None:
    assert diff_outlines("a\nb\n", "a\nb\n") == ()
    assert diff_outlines("a\nb\n", "a\nc\n")[-2:] == ("-b", "+c")
