"""A table of alerts from a TOML file: what would watch something else than was meant is refused."""

from pathlib import Path

import pytest

from instrumentation.alerts import AlertRule
from instrumentation.alerts.alert_rules_file import (
    DEFAULT_ALERT_RULES,
    AlertRulesError,
    load_alert_rules,
)


def write_rules(folder: Path, text: str) -> Path:
    file = folder / "alerts.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_table_is_read_field_by_field(tmp_path: Path) -> None:
    text = """
        [[alert]]
        name = "slow reviews"
        measure = "latency_ms"
        taken = "p95"
        at_most = 30000
        workflow = "review"
        needs = 20
        tags = { environment = "prod" }

        [[alert]]
        name = "what the summarizer is given"
        measure = "handoff_share"
        at_least = 0.8
        agent = "summarizer"
        optional = true
    """
    assert load_alert_rules(write_rules(tmp_path, text)) == (
        AlertRule(
            "slow reviews",
            "latency_ms",
            at_most=30000,
            taken="p95",
            workflow="review",
            needs=20,
            tags={"environment": "prod"},
        ),
        AlertRule(
            "what the summarizer is given",
            "handoff_share",
            at_least=0.8,
            agent="summarizer",
            optional=True,
        ),
    )


GOOD = 'name = "a"\nmeasure = "tokens"\n'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "'a' needs a threshold"),
        ("at_most = 1\nat_least = 1", "'a' needs a threshold"),
        ("at_mots = 1", "no field 'at_mots'; did you mean at_most?"),
        ("at_most = '1'", "at_most takes a number; not '1'"),
        ("at_most = true", "at_most takes a number; not True"),
        ("at_most = nan", "would never alarm"),
        ("at_most = inf", "would never alarm"),
        ("at_most = 1\ntaken = 'p101'", "nothing is taken 'p101'"),
        ("at_most = 1\ntaken = 'p0'", "nothing is taken 'p0'"),
        ("at_most = 1\ntaken = 'totl'", "did you mean total?"),
        ("at_most = 1\ntaken = 'share'", "a share is of what failed"),
        ("at_most = 1\nunit = 'calls'", "no unit 'calls'; did you mean call?"),
        ("at_most = 1\nneeds = 0", "needs at least one reading"),
        ("at_most = 1\nneeds = 1.5", "needs takes a whole number; not 1.5"),
        ("at_most = 1\noptional = 1", "optional takes true or false; not 1"),
        ("at_most = 1\ntags = { a = 1 }", "tags takes texts by name"),
        ("at_most = 1\nagent = 7", "agent takes a text; not 7"),
        (f"at_most = 1\n[[alert]]\n{GOOD}at_most = 2", "two alerts have the name 'a'"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(AlertRulesError, match=r"alerts\.toml") as refused:
        load_alert_rules(write_rules(tmp_path, f"[[alert]]\n{GOOD}{line}"))
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "one [[alert]] after another"),
        ("alert = 1", "one [[alert]] after another"),
        ("alert = [1]", "expected name = …"),
        ("[[alert]]\nname = 'a'\nat_most = 1", "has no measure"),
        ("[[alert]]\nname = ''\nmeasure = 'tokens'\nat_most = 1", "has no name"),
        ("[[alert]]\nname = 'a'\nmeasure = 'latency'\nat_most = 1", "did you mean latency_ms?"),
        ("[[alert]]\nname = 'a'\nmeasure = 'repeats'\nunit = 'call'\nat_most = 1", "leave 'call'"),
        ("[[alerts]]\nname = 'a'", "not alerts"),
        ("[[alert]", "cannot be read as TOML"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(AlertRulesError) as refused:
        load_alert_rules(write_rules(tmp_path, text))
    assert sentence in str(refused.value)


def test_the_table_of_the_house_is_one_that_could_be_read(tmp_path: Path) -> None:
    def spelt(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else repr(value)

    default = AlertRule("", "")
    lines = []
    for alert in DEFAULT_ALERT_RULES:
        told = {key: value for key, value in vars(alert).items() if value != getattr(default, key)}
        lines += ["[[alert]]", *(f"{key} = {spelt(value)}" for key, value in told.items())]
    assert load_alert_rules(write_rules(tmp_path, "\n".join(lines))) == DEFAULT_ALERT_RULES


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AlertRulesError, match=r"none\.toml"):
        load_alert_rules(tmp_path / "none.toml")
