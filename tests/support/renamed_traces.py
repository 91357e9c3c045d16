"""Rename all agents, tools and spans of a trace, wherever their names occur in it."""

import re
from random import Random

from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import dump_trace, parse_trace

SYLLABLES = ("ba", "ko", "mi", "ru", "te", "zo", "pa", "ni", "lu", "ge")


def rename_trace(trace: Trace, seed: int = 1) -> Trace:
    """The trace with random names. Attributes that name the scenario or variant are left out.

    A name is replaced as a whole word in every text, so that all references stay as they were.
    """
    random = Random(seed)
    names = {
        str(name)
        for span in trace
        for name in (span.agent, span.name if span.type in ("TOOL", "TASK", "CHAIN") else None)
        if name and re.fullmatch(r"\w+", str(name))
    }
    new = {name: "".join(random.choices(SYLLABLES, k=4)) for name in sorted(names)}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(new, key=len, reverse=True))})\b")
    text = pattern.sub(lambda match: new[match.group()], _without_tags(dump_trace(trace)))
    return parse_trace(text, "a renamed trace")


def _without_tags(text: str) -> str:
    return re.sub(r'"flight_recorder\.(?:scenario|variant|seed)": "[^"]*",?\s*', "", text)
