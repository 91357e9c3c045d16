"""The file of a quality gate: what it may say, and the errors that name place, name and fix."""

from pathlib import Path

import pytest

from scenarios.monitoring.quality_gate.gate_file import Threshold, load_gate
from scenarios.monitoring.quality_gate.gate_source import GateFileError
from tests.docs.documents import ROOT

VALID = """\
[traces]
experiment = "shop"
since = "2h"
at_least = 5

[evaluation.at_least]
no_finding = 0.9

[evaluation.at_most]
"latency/p90" = 2

[diagnosis]
allowed = ["step repetition"]

[alerts]

[cost]
usd_per_run = 0.05
"""


def test_a_file_says_which_traces_are_read_and_what_they_must_meet(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(VALID)
    gate = load_gate(file)
    assert (gate.experiment, gate.since, gate.min_traces) == ("shop", "2h", 5)
    assert gate.evaluation
    assert gate.evaluation.thresholds == (
        Threshold("no_finding", at_least=0.9),
        Threshold("latency/p90", at_most=2),
    )
    conditions = [threshold.condition for threshold in gate.evaluation.thresholds]
    assert conditions == ["`no_finding` >= 0.9", "`latency/p90` <= 2"]
    assert (gate.max_findings, gate.allowed) == (0, ("step repetition",))
    assert "loop" in [rule.name for rule in gate.alerts]
    (rule,) = gate.cost
    assert (rule.measure, rule.aggregate, rule.at_most) == ("cost_usd", "mean", 0.05)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[cost]", "[costs]", "line 17: unknown section 'costs'; did you mean cost? Rename it"),
        (
            "usd_per_run",
            "usd_per_rum",
            "line 18: unknown key of [cost] 'usd_per_rum'; did you",
        ),
        ("at_least = 5", "at_last = 5", "line 4: unknown key of [traces] 'at_last'; did you mean"),
        ("0.05", "-1", "line 18: usd_per_run must be a number of at least 0, found -1; correct it"),
        ("0.05", "nan", "line 18: usd_per_run must be a number of at least 0, found nan"),
        ("= 5", "= true", "line 4: at_least must be a whole number of at least 0, found True"),
        ('"2h"', '"soon"', "line 3: 'soon' is not a time; expected e.g. 30m"),
        (
            "step rep",
            "step req",
            "line 13: unknown failure mode 'step reqetition'; did you",
        ),
        ("[alerts]", '[alerts]\nfile = "a.toml"', "line 16: there is no file"),
        ('"latency/p90"', "no_finding", "line 10: 'no_finding' has two limits; remove one of them"),
        ("no_finding = 0.9", "no_finding = 'most'", "line 6: at_least must be a table of numbers"),
        ('since = "2h"', "since = 2h", "is not TOML"),
    ],
)
def test_an_error_names_the_line_the_nearest_name_and_the_fix(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "gate.toml"
    assert old in VALID
    file.write_text(VALID.replace(old, new))
    with pytest.raises(GateFileError) as raised:
        load_gate(file)
    assert str(file) in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["", "[traces]\nsince = '1h'\n"], ids=["empty", "traces"])
def test_a_file_that_checks_nothing_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(text)
    with pytest.raises(GateFileError, match=r"checks nothing; add one of \[traces\], \[evaluation"):
        load_gate(file)


def test_an_evaluation_without_a_threshold_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text("[evaluation]\nbaseline = 'x'\n")
    with pytest.raises(GateFileError, match=r"line 1: \[evaluation\] has no threshold; add"):
        load_gate(file)


def test_the_example_is_valid() -> None:
    assert load_gate(ROOT / "docs" / "quality-gate" / "quality-gate.toml").alerts


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Windows shells and editors write one."""
    file = tmp_path / "gate.toml"
    file.write_text(VALID, "utf-8-sig")
    assert load_gate(file).experiment == "shop"
