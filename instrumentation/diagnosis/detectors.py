"""All detectors: one function per failure mode, from a reading of a trace to findings."""

from collections.abc import Callable, Iterator

from instrumentation.diagnosis.calls.call_contradicts_text import (
    find_calls_that_contradict_their_text,
)
from instrumentation.diagnosis.calls.code_without_time_limit import find_code_without_time_limit
from instrumentation.diagnosis.calls.code_writing_outside_folder import (
    find_code_writing_outside_folder,
)
from instrumentation.diagnosis.calls.duplicate_work import find_concurrent_duplicates
from instrumentation.diagnosis.calls.malformed_call_without_error import (
    find_malformed_calls_without_error,
)
from instrumentation.diagnosis.calls.repeated_call import find_repeated_calls
from instrumentation.diagnosis.calls.restarted_run import find_restarted_runs
from instrumentation.diagnosis.calls.retries_within_call import find_calls_with_runaway_retries
from instrumentation.diagnosis.calls.silent_stall import find_pending_results, find_unanswered_calls
from instrumentation.diagnosis.calls.stale_prompt import find_stale_prompts
from instrumentation.diagnosis.calls.unmentioned_tool_error import find_unmentioned_tool_errors
from instrumentation.diagnosis.calls.unretried_transient_error import (
    find_unretried_transient_errors,
)
from instrumentation.diagnosis.finding import Finding
from instrumentation.diagnosis.guardrails.late_budget_check import find_late_budget_checks
from instrumentation.diagnosis.guardrails.misfired_guardrail import find_misfired_guardrails
from instrumentation.diagnosis.guardrails.unused_guardrail_result import (
    find_unused_guardrail_results,
)
from instrumentation.diagnosis.handoffs.dropped_criterion import find_dropped_criteria
from instrumentation.diagnosis.handoffs.forgotten_prohibition import (
    find_prohibitions_lost_between_agents,
    find_prohibitions_lost_within_turn,
)
from instrumentation.diagnosis.handoffs.lost_objection import find_lost_objections
from instrumentation.diagnosis.handoffs.lost_result import find_lost_results
from instrumentation.diagnosis.handoffs.overruled_verdict import find_overruled_verdicts
from instrumentation.diagnosis.handoffs.refused_delegation import find_refused_delegations
from instrumentation.diagnosis.handoffs.withheld_caveat import find_withheld_caveats
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.task.choice_among_matches import (
    find_actions_on_one_of_several_matches,
)
from instrumentation.diagnosis.task.replaced_figures import find_calls_that_replace_given_figures
from instrumentation.diagnosis.task.unanswered_question import find_unanswered_questions
from instrumentation.diagnosis.task.unrequested_action import find_unrequested_actions
from instrumentation.diagnosis.values.changed_unit_or_period import find_changed_units_and_periods
from instrumentation.diagnosis.values.figure_for_empty_result import find_figures_for_empty_results
from instrumentation.diagnosis.values.figure_not_in_reply import find_figures_not_in_reply
from instrumentation.diagnosis.values.invented_value import find_invented_values
from instrumentation.diagnosis.values.misattributed_figure import find_misattributed_figures
from instrumentation.diagnosis.values.rate_as_total import find_rates_as_totals
from instrumentation.diagnosis.values.ungrounded_write import find_ungrounded_writes
from instrumentation.diagnosis.values.unread_overwrite import find_unread_overwrites
from instrumentation.diagnosis.values.value_of_other_record import find_values_of_other_records
from instrumentation.diagnosis.verdicts.rejected_result_called_approved import (
    find_rejected_results_called_approved,
)
from instrumentation.diagnosis.verdicts.truncated_answer import find_truncated_answers
from instrumentation.diagnosis.verdicts.unverified_claim import (
    find_partial_checks,
    find_unverified_claims,
)

Detector = Callable[[TraceReading], Iterator[Finding]]
"""Finds one failure mode. It reads the trace only, and knows no workflow."""

DETECTORS: tuple[Detector, ...] = (
    find_figures_not_in_reply,
    find_figures_for_empty_results,
    find_invented_values,
    find_changed_units_and_periods,
    find_misattributed_figures,
    find_values_of_other_records,
    find_rates_as_totals,
    find_ungrounded_writes,
    find_unread_overwrites,
    find_lost_results,
    find_withheld_caveats,
    find_dropped_criteria,
    find_prohibitions_lost_between_agents,
    find_prohibitions_lost_within_turn,
    find_lost_objections,
    find_refused_delegations,
    find_calls_that_replace_given_figures,
    find_unrequested_actions,
    find_overruled_verdicts,
    find_unanswered_questions,
    find_actions_on_one_of_several_matches,
    find_calls_that_contradict_their_text,
    find_malformed_calls_without_error,
    find_repeated_calls,
    find_restarted_runs,
    find_calls_with_runaway_retries,
    find_code_writing_outside_folder,
    find_code_without_time_limit,
    find_unanswered_calls,
    find_pending_results,
    find_unmentioned_tool_errors,
    find_concurrent_duplicates,
    find_unretried_transient_errors,
    find_truncated_answers,
    find_unverified_claims,
    find_partial_checks,
    find_rejected_results_called_approved,
    find_misfired_guardrails,
    find_late_budget_checks,
    find_unused_guardrail_results,
    find_stale_prompts,
)
