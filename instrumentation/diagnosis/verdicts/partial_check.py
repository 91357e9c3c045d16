"""Incomplete verification: an agent claims to have checked all items, and looked up only some."""

import re
from collections.abc import Iterator

from instrumentation.diagnosis.calls.call_contradicts_text import IDENTIFIER, mask_identifier
from instrumentation.diagnosis.finding import Finding, quote
from instrumentation.diagnosis.reading.lexicon import CLAIM_OF_ALL
from instrumentation.diagnosis.reading.texts import iter_fields, to_json_text
from instrumentation.diagnosis.reading.trace_reading import TraceReading
from instrumentation.diagnosis.verdicts.unverified_claim import MODE
from instrumentation.trace.span import Span

FIX = (
    "Compare the items that were given with those of the calls, before a claim on all is accepted."
)
MIN_ITEMS = 3
"""Fewer codes of one form are no list."""


def find_partial_checks(reading: TraceReading) -> Iterator[Finding]:
    """Yield turns that claim to have checked all items of a list, and called a tool for some.

    The items are codes of one form in the prompt, such as A-17 and A-22.
    """
    index = reading.index
    for turn in index.turns:
        claim = CLAIM_OF_ALL.search(reading.flow.output(turn)) if index.calls_of(turn) else None
        completions = index.completions_of(turn)
        missing = _missing_items(reading, turn) if claim and completions else []
        if claim and missing:
            yield reading.build_finding(
                MODE,
                completions[-1].span,
                FIX,
                0.85,
                quote(turn, claim.group(), "it claims to have looked at all"),
                quote(turn, ", ".join(missing), "no call and no result has these"),
            )


def _missing_items(reading: TraceReading, turn: Span) -> list[str]:
    """The codes of the prompt that no call asked for, if calls asked for others of their form."""
    index = reading.index
    given = IDENTIFIER.findall(index.completions_of(turn)[0].prompt_text)
    items = dict.fromkeys(one for one in given if re.search("[A-Z]", one))
    calls = index.calls_of(turn)
    requested = {str(value) for call in calls for _, value in iter_fields(call.inputs)}
    forms = {mask_identifier(one) for one in items if one in requested}
    wanted = [one for one in items if mask_identifier(one) in forms]
    if len(wanted) < MIN_ITEMS:
        return []
    known = reading.flow.output(turn) + " ".join(to_json_text(call.outputs) for call in calls)
    return [one for one in wanted if one not in requested and one not in known]
