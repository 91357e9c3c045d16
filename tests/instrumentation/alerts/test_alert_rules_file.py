"""Alert rules in a TOML file: rules that would not check what was intended are rejected."""

from pathlib import Path

import pytest

from instrumentation.alerts import AlertRule
from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.alerts.alert_rules_file import (
    AlertRulesError,
    load_alert_rules,
)


def write_rules(folder: Path, text: str) -> Path:
    file = folder / "alerts.toml"
    file.write_text(text, "utf-8")
    return file


def test_rules_are_read_field_by_field(tmp_path: Path) -> None:
    text = """
        [[alert]]
        name = "slow reviews"
        measure = "latency_ms"
        aggregate = "p95"
        at_most = 30000
        workflow = "review"
        min_readings = 20
        tags = { environment = "prod" }

        [[alert]]
        name = "input of the summarizer"
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
            aggregate="p95",
            workflow="review",
            min_readings=20,
            tags={"environment": "prod"},
        ),
        AlertRule(
            "input of the summarizer",
            "handoff_share",
            at_least=0.8,
            agent="summarizer",
            optional=True,
        ),
    )


VALID_START = 'name = "a"\nmeasure = "tokens"\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "'a' needs one threshold"),
        ("at_most = 1\nat_least = 1", "'a' needs one threshold"),
        ("at_mots = 1", "unknown field 'at_mots'; did you mean at_most?"),
        ("at_most = '1'", "at_most must be a number, found '1'"),
        ("at_most = true", "at_most must be a number, found True"),
        ("at_most = nan", "would fire always or never"),
        ("at_most = inf", "would fire always or never"),
        ("at_most = 1\naggregate = 'p101'", "unknown aggregate 'p101'"),
        ("at_most = 1\naggregate = 'p0'", "unknown aggregate 'p0'"),
        ("at_most = 1\naggregate = 'totl'", "did you mean total?"),
        ("at_most = 1\naggregate = 'share'", "the aggregate share needs the measure failed"),
        ("at_most = 1\nunit = 'calls'", "unknown unit 'calls'; did you mean call?"),
        ("at_most = 1\nmin_readings = 0", "needs min_readings of at least 1"),
        ("at_most = 1\nmin_readings = 1.5", "min_readings must be an integer, found 1.5"),
        ("at_most = 1\noptional = 1", "optional must be true or false, found 1"),
        ("at_most = 1\ntags = { a = 1 }", "tags must be a table of texts"),
        ("at_most = 1\nagent = 7", "agent must be a text, found 7"),
        (f"at_most = 1\n[[alert]]\n{VALID_START}at_most = 2", "two alerts have the name 'a'"),
    ],
)
def test_an_invalid_rule_is_rejected(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(AlertRulesError, match=r"alerts\.toml") as error:
        load_alert_rules(write_rules(tmp_path, f"[[alert]]\n{VALID_START}{line}"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected only [[alert]] entries"),
        ("alert = 1", "expected only [[alert]] entries"),
        ("alert = [1]", "expected name = …"),
        ("[[alert]]\nname = 'a'\nat_most = 1", "measure is missing"),
        ("[[alert]]\nname = ''\nmeasure = 'tokens'\nat_most = 1", "name is missing"),
        ("[[alert]]\nname = 'a'\nmeasure = 'latency'\nat_most = 1", "did you mean latency_ms?"),
        ("[[alert]]\nname = 'a'\nmeasure = 'repeats'\nunit = 'call'\nat_most = 1", "remove 'call'"),
        ("[[alerts]]\nname = 'a'", "found alerts"),
        ("[[alert]", "cannot be read as TOML"),
        ("x = " + "[" * 20_000, "cannot be read as TOML"),
        ("[[alert]]\nname" + ".a" * 2_000 + " = 1", "name must be a text, found {'a': {"),
        ("[[alert]]\nname = 'a'\nmeasure = 'tokens'\nat_most = 1e400", "is not finite"),
        (f"[[alert]]\nname = 'a'\nmeasure = 'tokens'\nat_most = {10**400}", "is not finite"),
        (f"[[alert]]\nname = 'a'\nmeasure = 'tokens'\nat_least = -{10**400}", "is not finite"),
    ],
)
def test_an_invalid_file_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AlertRulesError) as error:
        load_alert_rules(write_rules(tmp_path, text))
    assert message in str(error.value)


def test_the_default_rules_can_be_written_and_read(tmp_path: Path) -> None:
    def to_toml(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else repr(value)

    default = AlertRule("", "")
    lines = []
    for rule in DEFAULT_ALERT_RULES:
        fields = {key: value for key, value in vars(rule).items() if value != getattr(default, key)}
        lines += ["[[alert]]", *(f"{key} = {to_toml(value)}" for key, value in fields.items())]
    assert load_alert_rules(write_rules(tmp_path, "\n".join(lines))) == DEFAULT_ALERT_RULES


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AlertRulesError, match=r"none\.toml"):
        load_alert_rules(tmp_path / "none.toml")


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Windows shells and editors write one."""
    file = tmp_path / "rules.toml"
    file.write_text(f"[[alert]]\n{VALID_START}at_most = 1\n", "utf-8-sig")
    assert len(load_alert_rules(file)) == 1
