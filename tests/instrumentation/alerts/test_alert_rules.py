"""Alerts over recorded traces: broken runs alarm, healthy ones that look alike do not."""

from dataclasses import replace

import pytest

from instrumentation.alerts import AlertRule, FinishedTrace, evaluate_alerts
from instrumentation.alerts.alert_rules_file import DEFAULT_ALERT_RULES
from instrumentation.trace.canonical_json import load_trace
from instrumentation.trace.span import TOKEN_USAGE_ATTRIBUTE, Span
from instrumentation.trace.trace import Trace
from scenarios.player.scenario_loader import load_scenario, scenario_folder, scenario_names

ALARMS = {
    "branch_is_lost_at_the_join": {"lost handoff"},
    "branch_waits_in_silence": {"loop"},
    "charter_rule_is_forgotten": {"lost handoff"},
    "context_is_not_passed": {"lost handoff"},
    "generator_stalls": {"failed runs", "failed completions"},
    "index_service_is_down": {"failed runs"},
    "reviewer_is_ignored": {"lost handoff"},
    "stream_is_cut": {"failed completions"},
    "summarizer_is_rate_limited": {"failed runs", "failed completions"},
    "summarizer_never_sees_the_draft": {"lost handoff"},
    "tool_call_runs_away": {"failed runs", "loop"},
}
"""Which alerts of the house each broken run raises; of those that are not named here, none: what is
wrong with them is no matter of thresholds."""
VARIANTS = [
    (name, variant) for name in scenario_names() for variant, _, _ in load_scenario(name).variants()
]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_run_of_the_catalog_raises_what_is_due_and_nothing_else(name: str, variant: str) -> None:
    seen = evaluate_alerts(
        DEFAULT_ALERT_RULES,
        [FinishedTrace(load_trace(scenario_folder(name).recorded_trace(variant)))],
    )
    raised = {outcome.alert.name for outcome in seen.results if outcome.findings}
    played = next(played for kind, played, _ in load_scenario(name).variants() if kind == variant)
    if variant == "broken":
        assert raised == ALARMS.get(name, set())
    elif played.raises:  # a mend by which the run fails aloud: healthy code, but no healthy run
        assert raised == {"failed runs", "failed completions"}
    else:
        assert raised == set()


def test_a_finding_names_the_span_the_agent_and_both_numbers() -> None:
    broken = replace(
        load_trace(scenario_folder("tool_call_runs_away").recorded_trace("broken")), ids=("tr-1",)
    )
    (outcome,) = evaluate_alerts(
        [AlertRule("loop", "repeats", at_most=2)], [FinishedTrace(broken)]
    ).results
    (finding,) = outcome.findings
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


def run(*inside: Span, name: str = "run", status: str = "OK", took_ms: int = 0) -> FinishedTrace:
    """A run that took so long, from the first millisecond on."""
    end_ns = (took_ms + 1) * 1_000_000 if took_ms else 0
    root = Span(name, "CHAIN", status, children=inside, start_ns=1_000_000, end_ns=end_ns)
    return FinishedTrace(Trace((root,), ids=(f"tr-{name}-{took_ms}",)))


def turn(agent: str, *inside: Span, inputs: object = None, outputs: object = None) -> Span:
    return Span(agent, "AGENT", inputs=inputs, outputs=outputs, children=inside)


def call(tool: str, answer: str, status: str = "OK") -> Span:
    return Span(tool, "TOOL", status, inputs={"city": "Quito"}, outputs=answer)


def completion(tokens: int, cost_usd: float | None = None) -> Span:
    used = {"input_tokens": tokens, "output_tokens": 0}
    return Span("create", "LLM", attributes={TOKEN_USAGE_ATTRIBUTE: used}, cost_usd=cost_usd)


def alarms(alert: AlertRule, *runs: FinishedTrace) -> int | str:
    """How often an alert alarms, or why it judges nothing."""
    (outcome,) = evaluate_alerts([alert], runs).results
    return outcome.not_evaluated_reason or outcome.alarms


def test_a_percentile_is_of_the_whole_window_and_names_the_slowest() -> None:
    runs = [run(took_ms=ms) for ms in range(10, 1010, 10)]
    alert = AlertRule("slow", "latency_ms", taken="p95", at_most=940)
    (outcome,) = evaluate_alerts([alert], runs).results
    assert (
        "the p95 of 100 readings is 950 ms; at most 940 ms is allowed"
        in outcome.findings[0].message
    )
    assert outcome.findings[0].trace_id == "tr-run-1000"
    assert alarms(replace(alert, at_most=950), *runs) == 0


def test_each_slow_run_is_an_alarm_and_the_worst_ten_are_shown() -> None:
    runs = [run(took_ms=ms) for ms in range(1, 31)]
    (outcome,) = evaluate_alerts([AlertRule("slow", "latency_ms", at_most=10)], runs).results
    assert (outcome.alarms, len(outcome.findings)) == (20, 10)
    assert [finding.measured for finding in outcome.findings] == list(range(30, 20, -1))


def test_a_rate_of_too_few_runs_is_no_rate() -> None:
    rate = AlertRule("failed", "failed", taken="share", at_most=0.1, needs=3)
    failed, well = run(status="ERROR"), run()
    assert alarms(rate, failed, well) == "3 readings are needed for a judgement, and there are 2"
    assert alarms(rate, failed, well, well) == 1


def test_tokens_are_counted_by_run_and_by_window() -> None:
    runs = [run(turn("clerk", completion(60))), run(turn("clerk", completion(70)))]
    assert alarms(AlertRule("run", "tokens", at_most=65), *runs) == 1
    assert alarms(AlertRule("window", "tokens", taken="total", at_most=129), *runs) == 1
    assert alarms(AlertRule("window", "tokens", taken="total", at_most=130), *runs) == 0


def test_tokens_that_a_span_counts_again_for_those_inside_it_count_once() -> None:
    outer = replace(completion(50), children=(completion(50),))
    assert alarms(AlertRule("run", "tokens", at_most=50), run(outer)) == 0


def test_what_has_no_price_is_not_taken_for_free() -> None:
    alert = AlertRule("cost", "cost_usd", at_most=0.1)
    assert alarms(alert, run(completion(10, 0.2))) == 1
    unknown = alarms(alert, run(completion(10, 0.2), completion(10)))
    assert unknown == "no trace of the window has a reading of cost_usd that it is about"


def test_a_poll_that_ends_in_another_answer_is_no_loop() -> None:
    alert = AlertRule("loop", "repeats", at_most=2)
    waits = [call("poll", "not yet")] * 4
    assert alarms(alert, run(turn("clerk", *waits))) == 1
    assert alarms(alert, run(turn("clerk", *waits, call("poll", "here it is")))) == 0


def test_calls_of_several_turns_are_no_loop() -> None:
    asks = [turn("clerk", call("lookup", "2.8 million"), outputs=n) for n in range(4)]
    assert alarms(AlertRule("loop", "repeats", at_most=2), run(*asks)) == 0


def test_a_turn_that_comes_to_the_same_again_and_again_is_a_loop() -> None:
    same = [turn("clerk", inputs="Go on.", outputs="I go on.")] * 3
    assert alarms(AlertRule("loop", "repeats", at_most=2), run(*same)) == 1
    assert alarms(AlertRule("loop", "repeats", at_most=2), run(*same[:2])) == 0


def test_an_alert_looks_at_its_workflow_agent_tool_and_tags_alone() -> None:
    slow = run(turn("clerk", call("lookup", "", "ERROR")), name="review")
    tagged = replace(slow, tags={"environment": "prod"}, experiment="team")
    base = AlertRule("failed", "failed", at_most=0)
    for chosen in (
        replace(base, tool="lookup"),
        replace(base, tool="lookup", agent="clerk", workflow="review"),
        replace(base, tool="lookup", tags={"environment": "prod"}, experiment="team"),
    ):
        assert alarms(chosen, tagged) == 1
    for other in (
        replace(base, tool="lookup", agent="nobody"),
        replace(base, tool="lookup", workflow="briefing"),
        replace(base, tool="lookup", tags={"environment": "test"}),
        replace(base, tool="lookup", experiment="other"),
    ):
        assert (
            alarms(other, tagged)
            == "no trace of the window has a reading of failed that it is about"
        )
    assert alarms(replace(base, agent="clerk"), tagged) == 0


def test_a_summary_by_another_agent_is_no_lost_handoff() -> None:
    told = {
        "flight_recorder.handoff.from_agent": "specialist",
        "flight_recorder.handoff.to_agent": "writer",
        "flight_recorder.handoff.efficiency_score": 0.0,
        "flight_recorder.handoff.dropped": "growth: 2.9%, says the World Bank",
    }
    handed = Span("specialist → writer", "HANDOFF", attributes=told)
    alert = AlertRule("lost", "handoff_share", at_least=0.5)

    def asked(prompt: str) -> FinishedTrace:
        prompted = Span("create", "LLM", inputs={"messages": [{"content": prompt}]})
        return run(handed, turn("writer", prompted))

    assert alarms(alert, asked("The World Bank has growth at 2.9%, says the analyst.")) == 0
    assert alarms(alert, asked("Write that there is no data.")) == 1


@pytest.mark.parametrize("optional", [False, True])
def test_what_has_to_be_judged_and_cannot_be_lets_nothing_pass(optional: bool) -> None:
    alert = AlertRule("lookup", "failed", tool="lookup", at_most=0, optional=optional)
    assert evaluate_alerts([alert], [run()]).is_inconclusive is not optional


def test_no_trace_is_no_pass() -> None:
    seen = evaluate_alerts([AlertRule("any", "failed", at_most=0, optional=True)], [])
    assert seen.is_inconclusive
    assert not seen.is_firing
