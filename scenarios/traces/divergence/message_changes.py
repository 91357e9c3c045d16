"""Compare two conversations message by message, and two texts word by word."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from rich.text import Text

from scenarios.tape.requests.conversation import render_conversation
from scenarios.tape.requests.request import to_sorted_json

ELLIPSIS = " .…\n"
"""What a program may write in the place of a text that it cut."""
MIN_TRUNCATED_CHARS = 8
"""A shorter text may be the beginning of another one by chance."""

ChangeKind = Literal["added", "dropped", "truncated", "extended", "changed", "reordered"]

WORD = re.compile(r"\s+|\w+|[^\w\s]")
CONTEXT_WORDS = 12
"""How many unchanged words and spaces are marked before and after a change."""
MAX_WORDS = 4000
"""Longer texts are compared by lines, to limit the time."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class MessageChange:
    """One difference between two conversations.

    Attributes:
        kind: "added": only B has the message. "dropped": only A has it. "truncated": B has a part
            of it. "extended": A has a part of it. "changed": its text differs. "reordered": B has
            the same messages in another order.
        number: The number of the message, from 1: in B, or in A if it was dropped.
        label: The role, and the name if there is one.
        before: The text in A.
        after: The text in B.
    """

    kind: ChangeKind
    number: int
    label: str
    before: str = ""
    after: str = ""

    @property
    def size_change(self) -> int:
        """How many characters B has more than A."""
        return len(self.after) - len(self.before)


def compare_messages(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[MessageChange, ...]:
    """List the differences of two conversations; empty if they are equal."""
    return tuple(_changes(before, after))


def _changes(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[MessageChange]:
    keys_before, keys_after = (list(map(to_sorted_json, one)) for one in (before, after))
    if keys_before == keys_after:
        return
    if sorted(keys_before) == sorted(keys_after):
        moved = next(i for i, key in enumerate(keys_after) if key != keys_before[i])
        texts = (render_conversation({"messages": list(one)}) for one in (before, after))
        yield MessageChange("reordered", moved + 1, _label(after[moved]), *texts)
        return
    matcher = SequenceMatcher(None, keys_before, keys_after, autojunk=False)
    for _, i, i_end, j, j_end in (code for code in matcher.get_opcodes() if code[0] != "equal"):
        while i < i_end and j < j_end and _label(before[i]) == _label(after[j]):
            texts_pair = _text(before[i]), _text(after[j])
            yield MessageChange(_kind(*texts_pair), j + 1, _label(after[j]), *texts_pair)
            i, j = i + 1, j + 1
        for gone in range(i, i_end):
            text = _text(before[gone])
            yield MessageChange("dropped", gone + 1, _label(before[gone]), before=text)
        for new in range(j, j_end):
            yield MessageChange("added", new + 1, _label(after[new]), after=_text(after[new]))


def _kind(before: str, after: str) -> ChangeKind:
    if _is_part(after, before):
        return "truncated"
    return "extended" if _is_part(before, after) else "changed"


def _is_part(part: str, whole: str) -> bool:
    kept = part.strip(ELLIPSIS)
    return MIN_TRUNCATED_CHARS <= len(kept) < len(whole) and kept in whole


def _label(message: Mapping[str, Any]) -> str:
    name = message.get("name")
    return f"{message.get('role')} {name}" if name else str(message.get("role"))


def _text(message: Mapping[str, Any]) -> str:
    """The message as `render_conversation` writes it, without its label."""
    rendered = render_conversation({"messages": [message]})
    prefix = f"{_label(message)}: "
    return rendered.removeprefix(prefix) if rendered.startswith(prefix) else rendered


def diff_words(before: str, after: str) -> Text:
    """Return both texts in one, with the words that differ marked and coloured.

    Long unchanged parts are shortened. The colours are seen on a terminal only.
    """
    pieces = WORD if len(before) + len(after) < MAX_WORDS * 6 else LINE
    old, new = pieces.findall(before), pieces.findall(after)
    marked = Text()
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for index, (op, i, i_end, j, j_end) in enumerate(codes):
        if op == "equal":
            is_edge = index == 0, index == len(codes) - 1
            marked.append("".join(_shorten(old[i:i_end], *is_edge)))
            continue
        if i < i_end:
            marked.append(f"[-{''.join(old[i:i_end])}-]", style="red")
        if j < j_end:
            marked.append(f"{{+{''.join(new[j:j_end])}+}}", style="green")
    return marked


def _shorten(words: list[str], is_first: bool, is_last: bool) -> Iterator[str]:
    """The words near a change; those far from it become an ellipsis."""
    head = 0 if is_first else CONTEXT_WORDS
    tail = 0 if is_last else CONTEXT_WORDS
    if len(words) <= head + tail + 1:
        yield from words
        return
    yield from words[:head]
    yield " … " if head and tail else "…"
    yield from words[len(words) - tail :]
