"""Expectations: statements that a scenario makes about the trace of a run.

A scenario lists them, as in `expect_broken=(ends_with_status("OK"), loses_handoff("writer",
"editor"))`. Each is a verb in the third person, and explains in a sentence why it does not hold.
"""

from scenarios.expectations.expectation import Expectation, log_failed_expectations
from scenarios.expectations.figures import (
    changes_period,
    checks_report_against,
    invents_figure,
    invents_missing_figure,
    keeps_period,
    repeats_tool_figures,
    states_figures,
)
from scenarios.expectations.guardrails import guardrail_allows, guardrail_blocks
from scenarios.expectations.handoffs import (
    delegates_to,
    delegates_without_calling,
    hands_off,
    loses_handoff,
    takes_edge,
)
from scenarios.expectations.measurements import (
    duplicates_measurement,
    measures_different_parts,
    shares_measurement,
)
from scenarios.expectations.outcomes import (
    each_turn_reaches_outcome,
    ends_with_status,
    has_no_errors,
    has_root_attribute,
    is_one_session,
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
from scenarios.expectations.search import (
    cites_supporting_sources,
    cites_unsupporting_sources,
    claims_figure_without_search,
    ignores_malformed_arguments,
    queries_another_country,
    queries_stated_country,
)
from scenarios.expectations.services import (
    failed_attempts_have_cause,
    polls_with_progress,
    polls_without_progress,
    receives_http_reply,
)
from scenarios.expectations.shared_state import (
    overwrites_unread,
    preserves_writes,
    reads_state,
    repeats_guess,
    writes_state,
)
from scenarios.expectations.tools import (
    calls_tool,
    claims_verified_without_tool,
    guardrail_rejects,
    guardrail_sends_back,
    loops_on_tool,
    never_calls_tool,
    never_loops,
    tool_call_fails,
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
    "calls_tool",
    "changes_period",
    "checks_report_against",
    "cites_supporting_sources",
    "cites_unsupporting_sources",
    "claims_figure_without_search",
    "claims_verified_without_tool",
    "delegates_to",
    "delegates_without_calling",
    "duplicates_measurement",
    "each_turn_reaches_outcome",
    "ends_with_status",
    "every_prompt_contains",
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
    "takes_edge",
    "takes_turns",
    "tool_call_fails",
    "works_concurrently",
    "writes_state",
]
