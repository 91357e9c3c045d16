"""Expectations: statements that a scenario makes about the trace of a run.

A scenario lists them, as in `expect_broken=(ends_with_status("OK"), loses_handoff("writer",
"editor"))`. Each is a verb in the third person, and explains in a sentence why it does not hold.
"""

from scenarios.expectations.assessments import log_failed_expectations
from scenarios.expectations.calls.citations import (
    cites_supporting_sources,
    cites_unsupporting_sources,
    claims_figure_without_search,
)
from scenarios.expectations.calls.code import (
    code_has_no_limit,
    code_is_stopped,
    code_stays_in_folder,
    code_writes_outside,
)
from scenarios.expectations.calls.guardrails import (
    exceeds_budget,
    guardrail_allows,
    guardrail_blocks,
    guardrail_sends_back,
    stays_within_budget,
)
from scenarios.expectations.calls.measurements import (
    duplicates_measurement,
    measures_different_parts,
    shares_measurement,
)
from scenarios.expectations.calls.prompt_loading import loads_old_prompt, loads_released_prompt
from scenarios.expectations.calls.queries import (
    ignores_malformed_arguments,
    queries_another_country,
    queries_stated_country,
)
from scenarios.expectations.calls.services import (
    failed_attempts_have_cause,
    polls_with_progress,
    polls_without_progress,
    receives_http_reply,
)
from scenarios.expectations.calls.tools import (
    calls_tool,
    claims_verified_without_tool,
    guardrail_rejects,
    loops_on_tool,
    never_calls_tool,
    never_loops,
    tool_call_fails,
)
from scenarios.expectations.expectation import Expectation
from scenarios.expectations.figures import (
    changes_period,
    checks_report_against,
    invents_figure,
    invents_missing_figure,
    keeps_period,
    repeats_tool_figures,
    states_figures,
)
from scenarios.expectations.handoffs import (
    delegates_to,
    delegates_without_calling,
    hands_off,
    loses_handoff,
    takes_edge,
)
from scenarios.expectations.outcomes import (
    avoids_failure,
    each_turn_reaches_outcome,
    ends_with_status,
    has_no_errors,
    has_root_attribute,
    is_one_session,
    leaves_traces,
    output_contains,
    output_lacks,
    reaches_outcome,
    spends_tokens_at_most,
)
from scenarios.expectations.prompts import (
    every_prompt_contains,
    hands_off_figures,
    loses_figures,
    never_receives_tool_results,
    no_prompt_contains,
    receives_tool_results,
    remembers_earlier_turns,
)
from scenarios.expectations.shared_state import (
    overwrites_unread,
    preserves_writes,
    reads_state,
    repeats_guess,
    writes_state,
)
from scenarios.expectations.turns import (
    has_failed_attempts,
    last_completion_ends,
    never_runs,
    takes_turns,
    works_concurrently,
)

__all__ = [
    "Expectation",
    "avoids_failure",
    "calls_tool",
    "changes_period",
    "checks_report_against",
    "cites_supporting_sources",
    "cites_unsupporting_sources",
    "claims_figure_without_search",
    "claims_verified_without_tool",
    "code_has_no_limit",
    "code_is_stopped",
    "code_stays_in_folder",
    "code_writes_outside",
    "delegates_to",
    "delegates_without_calling",
    "duplicates_measurement",
    "each_turn_reaches_outcome",
    "ends_with_status",
    "every_prompt_contains",
    "exceeds_budget",
    "failed_attempts_have_cause",
    "guardrail_allows",
    "guardrail_blocks",
    "guardrail_rejects",
    "guardrail_sends_back",
    "hands_off",
    "hands_off_figures",
    "has_failed_attempts",
    "has_no_errors",
    "has_root_attribute",
    "ignores_malformed_arguments",
    "invents_figure",
    "invents_missing_figure",
    "is_one_session",
    "keeps_period",
    "last_completion_ends",
    "leaves_traces",
    "loads_old_prompt",
    "loads_released_prompt",
    "log_failed_expectations",
    "loops_on_tool",
    "loses_figures",
    "loses_handoff",
    "measures_different_parts",
    "never_calls_tool",
    "never_loops",
    "never_receives_tool_results",
    "never_runs",
    "no_prompt_contains",
    "output_contains",
    "output_lacks",
    "overwrites_unread",
    "polls_with_progress",
    "polls_without_progress",
    "preserves_writes",
    "queries_another_country",
    "queries_stated_country",
    "reaches_outcome",
    "reads_state",
    "receives_http_reply",
    "receives_tool_results",
    "remembers_earlier_turns",
    "repeats_guess",
    "repeats_tool_figures",
    "shares_measurement",
    "spends_tokens_at_most",
    "states_figures",
    "stays_within_budget",
    "takes_edge",
    "takes_turns",
    "tool_call_fails",
    "works_concurrently",
    "writes_state",
]
