"""Change what a diagnosis must not depend on: names in a trace, and the words of instructions."""

import json
import os
import re
from collections.abc import Callable
from random import Random
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.trace import Trace
from instrumentation.trace.canonical_json import dump_trace, parse_trace

SEEDS = range(1, 1 + int(os.environ.get("SEEDS", "2")))
"""Two by default; `.ci/run` and `make diagnosis-seeds` set more."""
SYLLABLES = ("ba", "ko", "mi", "ru", "te", "zo", "pa", "ni", "lu", "ge")
Rename = Callable[[str], str]
"""Replaces each name, as a whole word, in a text."""


def explain_dependence_on_words(trace: Trace, seed: int) -> str | None:
    """What a diagnosis finds elsewhere once all names and prompts are random; None if nothing."""
    rename = random_names(trace, seed)
    plain = parse_trace(dump_trace(trace), "a trace without times")
    changed = reword_instructions(rename_inputs(rename_trace(plain, rename), seed), seed)
    assert not {name for name in plain.agents if name} & set(changed.agents)
    expected = [
        (place, mode, rename(str(agent)), [(rename(str(by)), rename(span)) for by, span in path])
        for place, mode, agent, path in _describe_findings(plain)
    ]
    found = _describe_findings(changed)
    return None if found == expected else f"seed {seed}: expected {expected}, but found {found}"


def _describe_findings(trace: Trace) -> list[tuple[int, str, str, list[tuple[str, str]]]]:
    """The place of each finding's origin in the tree, its mode, agent and path."""
    places = {id(span): place for place, span in enumerate(trace)}
    return [
        (
            places[id(one.origin)],
            one.mode,
            str(one.agent),
            [(str(step.agent), step.span) for step in one.path],
        )
        for one in diagnose(trace).findings
    ]


def random_names(trace: Trace, seed: int) -> Rename:
    """Random names for the agents, tools, tasks and steps of a trace."""
    names = {
        str(name)
        for span in trace
        for name in (span.agent, span.name if span.type in ("TOOL", "TASK", "CHAIN") else None)
        if name and re.fullmatch(r"\w+", str(name))
    }
    random = Random(seed)
    new = {name: _random_word(random) for name in sorted(names)}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(new, key=len, reverse=True))})\b")
    return lambda text: pattern.sub(lambda match: new[match.group()], text)


def rename_trace(trace: Trace, rename: Rename) -> Trace:
    """The trace with other names. Attributes that name the scenario or variant are left out.

    All references stay as they were, because a name is replaced in every text.
    """
    return parse_trace(rename(_without_tags(dump_trace(trace))), "a renamed trace")


def rename_inputs(trace: Trace, seed: int) -> Trace:
    """The trace with random names of the arguments of its tools, in calls and in definitions."""

    def rename(name: str) -> str:
        return _random_word(Random(f"{seed} {name}"))

    def rename_keys(value: Any) -> Any:
        if isinstance(value, str):  # JSON as a model wrote it, which may be malformed
            return re.sub(r'"(\w+)"(?=\s*:)', lambda match: f'"{rename(match[1])}"', value)
        return (
            {rename(key): one for key, one in value.items()} if isinstance(value, dict) else value
        )

    def visit(value: Any) -> Any:
        if isinstance(value, list):
            return [visit(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        changed = {key: visit(inner) for key, inner in value.items()}
        for field in (
            "arguments",
            "properties",
            *(("inputs",) if value.get("type") == "TOOL" else ()),
        ):
            if field in value:
                changed[field] = rename_keys(changed[field])
        if "properties" in value and isinstance(value.get("required"), list):
            changed["required"] = [rename(one) for one in value["required"]]
        return changed

    recorded = visit(json.loads(dump_trace(trace)))
    return parse_trace(json.dumps(recorded), "a trace with renamed inputs")


def reword_instructions(trace: Trace, seed: int) -> Trace:
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


def _random_word(random: Random) -> str:
    return "".join(random.choices(SYLLABLES, k=4))


def _without_tags(text: str) -> str:
    return re.sub(r'"flight_recorder\.(?:scenario|variant|seed)": "[^"]*",?\s*', "", text)
