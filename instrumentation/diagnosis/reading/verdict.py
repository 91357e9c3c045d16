"""Read the verdict of a reviewer from its output: from a structured field, else from its words."""

from instrumentation.diagnosis.reading.lexicon import verdict_of
from instrumentation.diagnosis.reading.texts import iter_fields

MAX_FIELD_WORDS = 3
"""A longer field is prose, not a verdict."""
MAX_TEXT_WORDS = 60
"""A longer text is a result, not a verdict."""


def read_verdict(output: str) -> bool | None:
    """Return True for approval, False for objection, None if the output is no verdict."""
    fields = dict(iter_fields(output))
    if "" not in fields:
        return read_verdict_field(output)
    return verdict_of(output) if len(output.split()) <= MAX_TEXT_WORDS else None


def read_verdict_field(value: object) -> bool | None:
    """The verdict in a short field of a structured value, such as `"decision": "revise"`."""
    short = (
        verdict_of(field)
        for _, field in iter_fields(value)
        if isinstance(field, str) and len(field.split()) <= MAX_FIELD_WORDS
    )
    return next((verdict for verdict in short if verdict is not None), None)
