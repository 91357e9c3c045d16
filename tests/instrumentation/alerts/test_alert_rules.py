"""Alert rules on recorded traces: they fire for broken runs, and not for healthy look-alikes."""

from dataclasses import replace

import pytest

from instrumentation.alerts import AlertRule, FinishedTrace, evaluate_alerts
from instrumentation.alerts.alert_rule import DEFAULT_ALERT_RULES
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.span import IN_PROGRESS, TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names

EXPECTED_ALERTS = {
    "branch_is_lost_at_the_join": {"lost handoff"},
    "branch_waits_in_silence": {"loop"},
    "budget_is_checked_too_late": {"tokens of a run"},
    "charter_rule_is_forgotten": {"lost handoff"},
    "code_runs_for_ever": {"failed runs"},
    "context_is_not_passed": {"lost handoff"},
    "generator_stalls": {"failed runs", "failed completions"},
    "index_service_is_down": {"failed runs"},
    "reviewer_is_ignored": {"lost handoff"},
    "stream_is_cut": {"failed completions"},
    "summarizer_is_rate_limited": {"failed runs", "failed completions"},
    "summarizer_never_sees_the_draft": {"lost handoff"},
    "tool_call_runs_away": {"failed runs", "loop"},
}
"""The default alerts that fire for each broken run. None fires for the others: their errors are not
visible in measured values."""
VARIANTS = [
    (name, variant) for name in scenario_names() for variant, _, _ in load_scenario(name).variants()
]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_catalog_run_fires_exactly_the_expected_alerts(name: str, variant: str) -> None:
    report = evaluate_alerts(
        DEFAULT_ALERT_RULES,
        [FinishedTrace(load_trace(scenario_folder(name).recorded_trace(variant)))],
    )
    firing = {result.alert.name for result in report.results if result.findings}
    variant_run = next(
        variant_run for kind, variant_run, _ in load_scenario(name).variants() if kind == variant
    )
    if variant == "broken":
        assert firing == EXPECTED_ALERTS.get(name, set())
    elif variant_run.raises:  # the fix makes the run fail with an error
        assert firing == {"failed runs", "failed completions"}
    else:
        assert firing == set()


def test_a_finding_names_span_agent_value_and_threshold() -> None:
    broken = replace(
        load_trace(scenario_folder("tool_call_runs_away").recorded_trace("broken")), ids=("tr-1",)
    )
    (result,) = evaluate_alerts(
        [AlertRule("loop", "repeats", at_most=2)], [FinishedTrace(broken)]
    ).results
    (finding,) = result.findings
    assert finding.message == (
        "specialist called world_bank_indicator 5 times, alike and with the same result;"
        " at most 2 times is allowed"
    )
    assert (finding.trace_id, finding.span, finding.agent, finding.measured) == (
        "tr-1",
        "world_bank_indicator",
        "specialist",
        5,
    )


def run(
    *inside: Span, name: str = "run", status: str = "OK", duration_ms: int = 0
) -> FinishedTrace:
    """A run of the given duration."""
    end_ns = (duration_ms + 1) * 1_000_000 if duration_ms else 0
    root = Span(name, "CHAIN", status, children=inside, start_ns=1_000_000, end_ns=end_ns)
    return FinishedTrace(Trace((root,), ids=(f"tr-{name}-{duration_ms}",)))


def turn(agent: str, *inside: Span, inputs: object = None, outputs: object = None) -> Span:
    return Span(agent, "AGENT", inputs=inputs, outputs=outputs, children=inside)


def call(tool: str, answer: str, status: str = "OK") -> Span:
    return Span(tool, "TOOL", status, inputs={"city": "Quito"}, outputs=answer)


def completion(tokens: int, cost_usd: float | None = None) -> Span:
    used = {"input_tokens": tokens, "output_tokens": 0}
    return Span("create", "LLM", attributes={TOKEN_USAGE_ATTRIBUTE: used}, cost_usd=cost_usd)


def evaluate(rule: AlertRule, *runs: FinishedTrace) -> int | str:
    """Return how often a rule is violated, or why it was not evaluated."""
    (result,) = evaluate_alerts([rule], runs).results
    return result.not_evaluated_reason or result.alarms


def test_a_percentile_covers_the_whole_window_and_names_the_slowest_run() -> None:
    runs = [run(duration_ms=ms) for ms in range(10, 1010, 10)]
    rule = AlertRule("slow", "latency_ms", aggregate="p95", at_most=940)
    (result,) = evaluate_alerts([rule], runs).results
    assert (
        "the p95 of 100 readings is 950 ms; at most 940 ms is allowed" in result.findings[0].message
    )
    assert result.findings[0].trace_id == "tr-run-1000"
    assert evaluate(replace(rule, at_most=950), *runs) == 0


def test_each_slow_run_counts_and_the_worst_ten_are_reported() -> None:
    runs = [run(duration_ms=ms) for ms in range(1, 31)]
    (result,) = evaluate_alerts([AlertRule("slow", "latency_ms", at_most=10)], runs).results
    assert (result.alarms, len(result.findings)) == (20, 10)
    assert [finding.measured for finding in result.findings] == list(range(30, 20, -1))


def test_a_rule_with_too_few_readings_is_not_evaluated() -> None:
    rate = AlertRule("failed", "failed", aggregate="share", at_most=0.1, min_readings=3)
    failed, succeeded = run(status="ERROR"), run()
    assert evaluate(rate, failed, succeeded) == "3 readings are required, but there are 2"
    assert evaluate(rate, failed, succeeded, succeeded) == 1


def test_tokens_are_counted_by_run_and_by_window() -> None:
    runs = [run(turn("clerk", completion(60))), run(turn("clerk", completion(70)))]
    assert evaluate(AlertRule("run", "tokens", at_most=65), *runs) == 1
    assert evaluate(AlertRule("window", "tokens", aggregate="total", at_most=129), *runs) == 1
    assert evaluate(AlertRule("window", "tokens", aggregate="total", at_most=130), *runs) == 0


def test_tokens_that_nested_spans_report_again_count_once() -> None:
    outer = replace(completion(50), children=(completion(50),))
    assert evaluate(AlertRule("run", "tokens", at_most=50), run(outer)) == 0


def test_a_run_without_a_price_has_no_cost() -> None:
    rule = AlertRule("cost", "cost_usd", at_most=0.1)
    assert evaluate(rule, run(completion(10, 0.2))) == 1
    reason = evaluate(rule, run(completion(10, 0.2), completion(10)))
    assert reason == "no trace in the time window has a reading of cost_usd for this rule"


def test_polling_until_the_answer_changes_is_not_a_loop() -> None:
    rule = AlertRule("loop", "repeats", at_most=2)
    waits = [call("poll", "not yet")] * 4
    assert evaluate(rule, run(turn("clerk", *waits))) == 1
    assert evaluate(rule, run(turn("clerk", *waits, call("poll", "here it is")))) == 0


def test_calls_of_several_turns_are_not_a_loop() -> None:
    turns = [turn("clerk", call("lookup", "2.8 million"), outputs=n) for n in range(4)]
    assert evaluate(AlertRule("loop", "repeats", at_most=2), run(*turns)) == 0


def test_a_repeated_turn_with_the_same_result_is_a_loop() -> None:
    same = [turn("clerk", inputs="Go on.", outputs="I go on.")] * 3
    assert evaluate(AlertRule("loop", "repeats", at_most=2), run(*same)) == 1
    assert evaluate(AlertRule("loop", "repeats", at_most=2), run(*same[:2])) == 0


def test_a_rule_applies_only_to_its_workflow_agent_tool_and_tags() -> None:
    slow = run(turn("clerk", call("lookup", "", "ERROR")), name="review")
    tagged = replace(slow, tags={"environment": "prod"}, experiment="team")
    base = AlertRule("failed", "failed", at_most=0)
    for matching in (
        replace(base, tool="lookup"),
        replace(base, tool="lookup", agent="clerk", workflow="review"),
        replace(base, tool="lookup", tags={"environment": "prod"}, experiment="team"),
    ):
        assert evaluate(matching, tagged) == 1
    for other in (
        replace(base, tool="lookup", agent="nobody"),
        replace(base, tool="lookup", workflow="briefing"),
        replace(base, tool="lookup", tags={"environment": "test"}),
        replace(base, tool="lookup", experiment="other"),
    ):
        assert (
            evaluate(other, tagged)
            == "no trace in the time window has a reading of failed for this rule"
        )
    assert evaluate(replace(base, agent="clerk"), tagged) == 0


def test_a_summary_by_another_agent_is_not_a_lost_handoff() -> None:
    attributes = {
        "flight_recorder.handoff.from_agent": "specialist",
        "flight_recorder.handoff.to_agent": "writer",
        "flight_recorder.handoff.efficiency_score": 0.0,
        "flight_recorder.handoff.dropped": "growth: 2.9%, says the World Bank",
    }
    handoff = Span("specialist → writer", "HANDOFF", attributes=attributes)
    rule = AlertRule("lost", "handoff_share", at_least=0.5)

    def run_with_prompt(prompt: str) -> FinishedTrace:
        prompted = Span("create", "LLM", inputs={"messages": [{"content": prompt}]})
        return run(handoff, turn("writer", prompted))

    assert (
        evaluate(rule, run_with_prompt("The World Bank has growth at 2.9%, says the analyst.")) == 0
    )
    assert evaluate(rule, run_with_prompt("Write that there is no data.")) == 1


@pytest.mark.parametrize("optional", [False, True])
def test_a_required_rule_that_cannot_be_evaluated_is_inconclusive(optional: bool) -> None:
    rule = AlertRule("lookup", "failed", tool="lookup", at_most=0, optional=optional)
    assert evaluate_alerts([rule], [run()]).is_inconclusive is not optional


def test_no_trace_is_inconclusive() -> None:
    report = evaluate_alerts([AlertRule("any", "failed", at_most=0, optional=True)], [])
    assert report.is_inconclusive
    assert not report.is_firing


def test_a_run_with_a_span_that_never_ended_has_failed() -> None:
    never_ended = replace(completion(1), status=IN_PROGRESS, status_message="the span never ended")
    rule = AlertRule("failed", "failed", at_most=0)
    (result,) = evaluate_alerts([rule], [run(turn("clerk", never_ended))]).results
    assert [finding.message for finding in result.findings] == [
        "run failed in create: the span never ended; at most 0% is allowed"
    ]
    assert evaluate(rule, run(turn("clerk", completion(1)))) == 0


@pytest.mark.parametrize("score", [None, "much", float("inf"), -1, [1]])
def test_a_handoff_of_another_program_without_a_score_is_not_measured(score: object) -> None:
    handoff = Span(
        "a → b", "HANDOFF", attributes={"flight_recorder.handoff.efficiency_score": score}
    )
    rule = AlertRule("lost", "handoff_share", at_least=0.5)
    assert "no trace in the time window has a reading" in str(evaluate(rule, run(handoff)))
