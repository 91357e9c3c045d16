"""Storable: a text as every store and receiver can hold it, in UTF-8 and without a NUL.

Half of a character, as JSON may spell one and a model's answer that is cut may end in, is no UTF-8:
MLflow's store refuses the whole trace for it. PostgreSQL holds no NUL.
"""

import re

UNSTORABLE_CHARACTER = re.compile("[\0\ud800-\udfff]")
REPLACEMENT_CHARACTER = "\ufffd"
"""Unicode's own character for one that could not be read."""


def make_storable(text: str) -> str:
    """The text with `REPLACED` for each such character; the very same where there is none."""
    return UNSTORABLE_CHARACTER.sub(REPLACEMENT_CHARACTER, text) if is_unstorable(text) else text


def is_unstorable(text: str) -> bool:
    """Whether the text has such a character."""
    return "\0" in text or not (text.isascii() or UNSTORABLE_CHARACTER.search(text) is None)
