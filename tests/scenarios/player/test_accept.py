"""Accepting: what was seen becomes the golden, unless it was no sound run."""

from pathlib import Path

import pytest

from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.outline import render_outline
from instrumentation.trace.span import Span
from instrumentation.trace.trace import Trace
from scenarios.player import accept as accepting
from scenarios.player.accept import AcceptanceError, accept
from scenarios.player.run import diff_outlines
from scenarios.player.scenario_loader import ScenarioFolder
from scenarios.player.verdict import ExpectationResult, VariantResult, Verdict

TRACE = Trace((Span("review", "CHAIN", outputs={"summary": "lost"}),))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScenarioFolder:
    monkeypatch.setattr(accepting, "scenario_folder", lambda _: ScenarioFolder(tmp_path))
    return ScenarioFolder(tmp_path)


def verdict(**seen: object) -> Verdict:
    judgements = (ExpectationResult("ends OK", None),)
    return Verdict("it", (VariantResult("fixed", TRACE, judgements, **seen),))  # type: ignore[arg-type]


def test_golden_and_recorded_trace_are_written_and_say_the_same(place: ScenarioFolder) -> None:
    assert accept(verdict()) == (place.golden("fixed"), place.recorded_trace("fixed"))
    assert place.golden("fixed").read_text("utf-8") == render_outline(
        load_trace(place.recorded_trace("fixed"))
    )


def test_what_is_current_is_not_written_again(place: ScenarioFolder) -> None:
    accept(verdict())
    assert accept(verdict()) == ()


def test_drift_is_what_accepting_is_for(place: ScenarioFolder) -> None:
    assert accept(verdict(drift=("- old", "+ new")))


@pytest.mark.parametrize(
    ("unsound", "reason"),
    [
        (
            Verdict(
                "it",
                (VariantResult("fixed", TRACE, (ExpectationResult("ends OK", "it ended ERROR"),)),),
            ),
            "fixed: ends OK; but it ended ERROR",
        ),
        (verdict(problems=("no line answers",)), "fixed: no line answers"),
        (Verdict("it", (), ("tape.jsonl:3: no variant plays this line",)), "tape.jsonl:3"),
    ],
)
def test_an_unsound_run_is_refused_and_leaves_what_there_was(
    unsound: Verdict, reason: str, place: ScenarioFolder
) -> None:
    accept(verdict())
    before = place.golden("fixed").read_bytes()
    with pytest.raises(AcceptanceError, match=reason):
        accept(unsound)
    assert place.golden("fixed").read_bytes() == before


def test_half_a_file_is_never_left_in_place_of_a_whole_one(
    place: ScenarioFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(verdict())
    before = place.golden("fixed").read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    other = Verdict("it", (VariantResult("fixed", Trace((Span("other", "CHAIN"),)), ()),))
    with pytest.raises(KeyboardInterrupt):
        accept(other)
    assert place.golden("fixed").read_bytes() == before


def test_drift_is_told_as_a_diff() -> None:
    assert diff_outlines("a\nb\n", "a\nb\n") == ()
    assert diff_outlines("a\nb\n", "a\nc\n")[-2:] == ("-b", "+c")
