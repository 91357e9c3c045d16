"""Recognize results of tools and of executed code among the messages of a conversation."""

import re
from collections.abc import Iterable
from dataclasses import replace

from instrumentation.trace.conversations.conversation import Step

EXIT_CODE = re.compile(r"\bexit(?:ed with(?: \w+)? exit)?[ _]?code\b\D{0,3}(-?\d+)", re.I)
"""How code executors report the exit code of a program: `exitcode: 1 (execution failed)`."""
RESULT_HEADS = (
    re.compile(r"\s*exit[ _]?code\s*[:=]\s*-?\d+", re.I),
    re.compile(r"\s*(?:the )?(?:script|code|program) ran,? then exited\b", re.I),
    re.compile(r"\s*(?:there is )?no code\b.{0,60}\b(?:found|to execute)\b", re.I),
)
"""How a message of a code executor begins, for instance one of AutoGen's."""
CODE_BLOCK = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n(.*?)```", re.S)
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):", re.M)
ERROR_HEAD = re.compile(r"\s*(?:[\w.]*(?:error|exception)|traceback)\b", re.I)
ERROR_LINE = re.compile(
    r"(?:^|\s)((?:[\w.]*(?:Error|Exception)|KeyboardInterrupt|SystemExit)\b.*)$", re.M
)
MAX_HEAD_CHARS = 2_000
"""Only so many characters of a text are searched for its head, and for the end of a traceback."""


def mark_code_results(steps: Iterable[Step]) -> list[Step]:
    """The steps, with those of code executors marked as a tool's.

    A speaker that ever answers as a code executor does is one, unless it also writes code.
    """
    found = list(steps)
    executors = {one.speaker for one in found if one.kind == "agent" and is_code_result(one.text)}
    executors -= {one.speaker for one in found if CODE_BLOCK.search(one.text)}
    return [
        replace(one, kind="tool") if one.kind == "agent" and one.speaker in executors else one
        for one in found
    ]


def is_code_result(text: str) -> bool:
    """Whether a message reports how the execution of code ended."""
    head = text[:MAX_HEAD_CHARS]
    return any(pattern.match(head) for pattern in RESULT_HEADS)


def code_blocks(text: str) -> list[str]:
    """The code in the fenced blocks of a message."""
    return [found.strip() for found in CODE_BLOCK.findall(text)]


def error_of(result: str) -> str | None:
    """The error that a tool's result reports, in one line; None if it reports none."""
    head = result[:MAX_HEAD_CHARS]
    exit_code = EXIT_CODE.search(head) if is_code_result(head) else None
    if exit_code:
        has_failed = int(exit_code[1]) != 0
    else:
        has_failed = bool(TRACEBACK.search(head) or ERROR_HEAD.match(head))
    if not has_failed:
        return None
    lines = ERROR_LINE.findall(result[-MAX_HEAD_CHARS:]) or ERROR_LINE.findall(head)
    first = next((line.strip() for line in head.splitlines() if line.strip()), "")
    return lines[-1].strip() if lines else first
