"""Ground truth of the catalog's failures: mode, and the agents on the path to the answer.

The origin is on each scenario's page. Detectors never see this table, nor any page.
"""

from dataclasses import dataclass

from instrumentation.diagnosis import Finding, diagnose
from instrumentation.trace import Trace
from scenarios.player.scenario_loader import load_scenario
from scenarios.player.verdict import Verdict
from scenarios.reports.origin_marker import find_origin_span


@dataclass(frozen=True)
class FailureTruth:
    """The mode of a failure, and the agents that pass it on, the origin's first.

    No mode: the failure is outside of what agents do, and a diagnosis must find nothing.
    """

    mode: str
    agents: tuple[str, ...]


NO_FINDING = FailureTruth("", ())

TRUTH = {
    "analyst_leaves_its_task": FailureTruth("task derailment", ("analyst", "synthesist")),
    "api_field_is_renamed": FailureTruth("schema drift", ("specialist", "analyst", "synthesist")),
    "branch_is_lost_at_the_join": FailureTruth("information withholding", ("verdict",)),
    "branch_waits_in_silence": FailureTruth("silent stall", ("video", "verdict")),
    "breaker_trips_on_honest_work": FailureTruth("guardrail misfire", ("payer",)),
    "budget_is_checked_too_late": FailureTruth("unbounded consumption", ("payer",)),
    "charter_rule_is_forgotten": FailureTruth("context decay", ("analyst", "synthesist")),
    "check_is_never_run": FailureTruth("no or incomplete verification", ("synthesist",)),
    "code_escapes_its_folder": FailureTruth("unexpected code execution", ("coder",)),
    "code_runs_for_ever": FailureTruth("unbounded consumption", ("coder",)),
    "context_is_not_passed": FailureTruth("information withholding", ("synthesist",)),
    "crew_starts_over": FailureTruth(
        "conversation reset", ("lead", "specialist", "analyst", "synthesist")
    ),
    "data_task_goes_to_the_writer": FailureTruth(
        "misrouted delegation",
        ("manager", "synthesist", "analyst", "manager", "synthesist", "manager"),
    ),
    "empty_result_is_filled_in": FailureTruth(
        "hallucination after an empty tool result", ("specialist", "analyst", "synthesist")
    ),
    "feedback_lands_on_the_wrong_turn": NO_FINDING,
    "generator_stalls": FailureTruth("silent stall", ("generator",)),
    "guardrail_blocks_the_good_call": FailureTruth(
        "guardrail misfire", ("specialist", "analyst", "synthesist")
    ),
    "guess_becomes_a_fact": FailureTruth(
        "polluted shared memory", ("specialist", "analyst", "synthesist")
    ),
    "index_service_is_down": FailureTruth("runaway retries and tokens", ("searcher",)),
    "judge_rewards_a_confident_guess": FailureTruth("invented values", ("searcher",)),
    "last_year_is_read_two_ways": FailureTruth("clarification not asked", ("searcher",)),
    "last_writer_wins": FailureTruth("concurrent write", ("sync", "verdict")),
    "prompt_alias_points_at_the_old_version": FailureTruth("stale prompt", ("assistant",)),
    "quarterly_figure_becomes_annual": FailureTruth(
        "tool-output misreading", ("specialist", "analyst", "synthesist")
    ),
    "redaction_is_thrown_away": FailureTruth("unused guardrail result", ("payer",)),
    "reviewer_is_ignored": FailureTruth(
        "ignored other agent's input", ("generator", "reviewer", "summarizer")
    ),
    "reviewer_never_approves": FailureTruth("unaware of termination conditions", ("reviewer",)),
    "reviewer_says_cannot_approve": FailureTruth(
        "premature termination", ("reviewer", "summarizer")
    ),
    "says_one_country_asks_another": FailureTruth("reasoning-action mismatch", ("searcher",)),
    "search_answers_without_searching": FailureTruth("invented values", ("searcher",)),
    "search_result_is_misread": FailureTruth("tool-output misreading", ("searcher",)),
    "specialist_withholds_a_caveat": FailureTruth(
        "information withholding", ("specialist", "analyst", "synthesist")
    ),
    "stream_is_cut": FailureTruth(
        "no or incomplete verification", ("generator", "reviewer", "summarizer")
    ),
    "summarizer_is_rate_limited": FailureTruth(
        "a transient error loses finished work", ("summarizer",)
    ),
    "summarizer_never_sees_the_draft": FailureTruth("information withholding", ("summarizer",)),
    "tool_arguments_are_malformed": FailureTruth("invalid invocation", ("searcher",)),
    "tool_call_runs_away": FailureTruth("step repetition", ("specialist",)),
    "two_branches_fetch_the_same": FailureTruth("step repetition", ("sync", "verdict")),
}


def explain_wrong_diagnoses(verdict: Verdict) -> dict[str, str]:
    """Why the diagnoses of a scenario's runs are wrong, by variant; empty if all are right."""
    reasons = {
        result.variant: explain_wrong_diagnosis(verdict.scenario, result.variant, result.trace)
        for result in verdict.variants
        if result.trace
    }
    return {variant: reason for variant, reason in reasons.items() if reason}


def explain_wrong_diagnosis(name: str, variant: str, trace: Trace) -> str | None:
    """Why the diagnosis of a scenario's run is wrong; None if it is right."""
    findings = diagnose(trace).findings
    if variant == "broken":
        return explain_miss(name, trace, findings)
    return f"a healthy run is accused: {findings}" if findings else None


def explain_miss(name: str, trace: Trace, findings: tuple[Finding, ...]) -> str | None:
    """Why the first finding of a broken run is not its origin; None if all of it is right."""
    page, truth = load_scenario(name), TRUTH[name]
    if not truth.mode:
        return f"the agents did nothing wrong, but found is {findings[0]}" if findings else None
    if not findings:
        return "nothing was found"
    first = findings[0]
    assert page.origin
    if first.origin is not find_origin_span(trace, page.origin):
        return f"the origin is {page.origin.agent}: {page.origin.span}, but found is {first}"
    if first.agent != page.origin.agent:
        return f"{page.origin.agent} began it, but found is {first.agent}"
    if first.mode != truth.mode:
        return f"the mode is {truth.mode!r}, but found is {first.mode!r}"
    steps = [step for step in first.path if step.agent is not None]
    agents = [step.agent for step in steps]
    found = tuple(
        agent for agent, before in zip(agents, [None, *agents], strict=False) if agent != before
    )
    if found != truth.agents:
        return f"the path is {truth.agents}, but found is {found}"
    if first.path[-1].span != trace.roots[-1].name:
        return f"the path ends at {first.path[-1]}, not at the answer"
    return None
