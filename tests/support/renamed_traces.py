"""Change what a diagnosis must not depend on: names in a trace, and the words of instructions."""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

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


def reword_instructions(trace: Trace, seed: int = 1) -> Trace:
    """The trace with random words in all system prompts and in the descriptions of tools."""
    random = Random(seed)

    def reword(text: str) -> str:
        return re.sub(r"[A-Za-z]+", lambda _: "".join(random.choices(SYLLABLES, k=3)), text)

    recorded = _reword_value(json.loads(dump_trace(trace)), reword)
    return parse_trace(json.dumps(recorded), "a reworded trace")


def _reword_value(value: Any, reword: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_reword_value(inner, reword) for inner in value]
    if not isinstance(value, dict):
        return value
    is_system = value.get("role") == "system"
    return {
        key: reword(inner)
        if isinstance(inner, str) and ((is_system and key == "content") or key == "description")
        else _reword_value(inner, reword)
        for key, inner in value.items()
    }


def _without_tags(text: str) -> str:
    return re.sub(r'"flight_recorder\.(?:scenario|variant|seed)": "[^"]*",?\s*', "", text)
