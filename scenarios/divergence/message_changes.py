"""Compare two conversations message by message: context that was added, dropped or truncated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from scenarios.tape.conversation import render_conversation
from scenarios.tape.request import to_sorted_json

ELLIPSIS = " .…\n"
"""What a program may write in the place of a text that it cut."""
MIN_TRUNCATED_CHARS = 8
"""A shorter text may be the beginning of another one by chance."""

ChangeKind = Literal["added", "dropped", "truncated", "extended", "changed", "reordered"]


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
