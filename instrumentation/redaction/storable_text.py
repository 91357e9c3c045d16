"""Replace characters that stores and OTLP endpoints reject: unpaired surrogates and NUL.

JSON can contain half of a surrogate pair, and so can the end of a truncated answer. It is not valid
UTF-8, so MLflow's store rejects the whole trace. PostgreSQL stores no NUL.
"""

import re

UNSTORABLE_CHARACTER = re.compile("[\0\ud800-\udfff]")
REPLACEMENT_CHARACTER = "\ufffd"
"""Unicode's replacement for a character that could not be decoded."""


def make_storable(text: str) -> str:
    """Replace each unstorable character. Returns the same object if nothing was redacted."""
    return UNSTORABLE_CHARACTER.sub(REPLACEMENT_CHARACTER, text) if is_unstorable(text) else text


def is_unstorable(text: str) -> bool:
    """Return whether a text contains an unstorable character."""
    return "\0" in text or not (text.isascii() or UNSTORABLE_CHARACTER.search(text) is None)
