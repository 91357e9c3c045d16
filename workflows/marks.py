"""A mark: the number in brackets by which a sentence names the result that it rests on."""

import re

MARK = re.compile(r"\[(\d+(?:, *[1-9]\d?)*)\]")
"""[1], and [1, 2] as well; [1,000] is a number."""


def cites(text: str) -> frozenset[int]:
    """The numbers that a text cites: [1], [2]."""
    return frozenset(int(number) for mark in MARK.findall(text) for number in mark.split(","))
