"""A conversation: whose it is, and what was said in it until now, turn by turn."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from openai.types.chat import ChatCompletionMessageParam

from workflows.chat_answer import Answer

PROMPT = "Answer briefly, in plain sentences. What the user has told you before still holds."


@dataclass(frozen=True)
class Turn:
    """What the user said, and the whole answer to it."""

    said: str
    answer: Answer


@dataclass(frozen=True)
class Conversation:
    """`session` names it in the trace, and `user` who speaks. Only whole turns are in it."""

    session: str
    user: str | None = None
    turns: tuple[Turn, ...] = ()

    def after(self, said: str, answer: Answer) -> "Conversation":
        """The conversation with one turn more."""
        return replace(self, turns=(*self.turns, Turn(said, answer)))

    def recent(self, turns: int) -> tuple[Turn, ...]:
        """The last so many turns: what a bounded memory holds of it."""
        return self.turns[max(0, len(self.turns) - turns) :]


def prompt(remembered: tuple[Turn, ...], said: str) -> list[ChatCompletionMessageParam]:
    """What the model is asked: what is remembered, and then what is said now."""
    return list(_messages(remembered, said))


def _messages(remembered: tuple[Turn, ...], said: str) -> Iterator[ChatCompletionMessageParam]:
    yield {"role": "system", "content": PROMPT}
    for turn in remembered:
        yield {"role": "user", "content": turn.said}
        yield {"role": "assistant", "content": turn.answer.text}
    yield {"role": "user", "content": said}
