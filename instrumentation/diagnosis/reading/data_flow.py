"""Find a turn's sentences in later prompts, and so the path of a failure to the answer.

A turn feeds another one if a sentence of its output is in the later turn's prompt. That needs no
handoff spans, so it also works on traces of other instrumentors.
"""

from collections.abc import Callable, Iterable

from instrumentation.diagnosis.finding import PathStep
from instrumentation.diagnosis.reading.texts import plain_text, sentence_keys
from instrumentation.diagnosis.reading.trace_index import TraceIndex
from instrumentation.trace.span import Span


class DataFlow:
    """Which turn received sentences of which earlier turns."""

    def __init__(self, index: TraceIndex) -> None:
        self.index = index
        self._outputs: dict[int, str] = {}
        self._prompts: dict[int, str] = {}

    def output(self, turn: Span) -> str:
        """The text that a turn produced."""
        if id(turn) not in self._outputs:
            self._outputs[id(turn)] = self.index.output_of(turn)
        return self._outputs[id(turn)]

    def prompt(self, turn: Span) -> str:
        """All that a turn was given: its inputs, and the prompts of its completions.

        The last prompt of a turn contains the earlier ones, unless the framework shortens them.
        """
        if id(turn) not in self._prompts:
            completions = self.index.completions_of(turn)
            ends = (completions[0], completions[-1]) if completions else ()
            given = [message.text for one in ends for message in one.prompt]
            texts = dict.fromkeys([plain_text(turn.inputs), *map(plain_text, given)])
            self._prompts[id(turn)] = "\n".join(texts)
        return self._prompts[id(turn)]

    def reached_turns(self, origin: Span, starts: Iterable[Span] = ()) -> list[Span]:
        """The turns to which the output of the origin's turn came, directly or through others.

        Args:
            origin: The span in which a failure began.
            starts: Turns that are reached in any case, such as the receiver of a handoff.
        """
        own = self.index.turn(origin)
        reached = [*([own] if own else []), *starts]
        known = {id(turn) for turn in reached}
        around: set[int] = set()
        sentences: dict[str, Span] = {}
        for turn in reached:
            self._add_sentences(sentences, turn)
            around.update(map(id, self.index.ancestors(turn)))
        for turn in self.index.turns:
            if id(turn) in known or not self._is_after(turn, origin):
                continue
            if id(turn) in around or self._receives(turn, sentences):
                reached.append(turn)
                known.add(id(turn))
                self._add_sentences(sentences, turn)
                around.update(map(id, self.index.ancestors(turn)))
        return sorted(reached, key=self.index.end_position)

    def path(
        self,
        origin: Span,
        *,
        carries: Callable[[str], bool] | None = None,
        starts: Iterable[Span] = (),
    ) -> tuple[PathStep, ...]:
        """The spans from the origin of a failure to the answer.

        Args:
            carries: Whether an output contains the wrong thing. None: any output that was made
                from the origin's.
            starts: Turns that are on the path in any case.
        """
        own = self.index.turn(origin)
        if carries is None:
            turns = self.reached_turns(origin, starts)
        else:
            later = (turn for turn in self.index.turns if self._is_after(turn, origin))
            turns = [*starts, *(turn for turn in later if carries(self.output(turn)))]
            unique = {id(turn): turn for turn in turns}.values()
            turns = sorted(unique, key=self.index.end_position)
        steps = [self.step(origin)]
        steps += [self.step(turn) for turn in turns if turn is not own and turn is not origin]
        root = self.index.trace.roots[-1]
        if root is not origin and all(root is not turn for turn in turns):
            steps.append(self.step(root))
        return tuple(steps)

    def step(self, span: Span) -> PathStep:
        return PathStep(self.index.agent(span), span.name, span.id)

    def _is_after(self, turn: Span, origin: Span) -> bool:
        """Whether a turn could see what an origin made: it began or ended after it."""
        if self.index.contains(turn, origin):
            return True
        return self.index.is_before(self.index.turn(origin) or origin, turn)

    def _receives(self, turn: Span, sentences: dict[str, Span]) -> bool:
        keys = sentence_keys(self.prompt(turn))
        smaller, larger = sorted((keys, sentences), key=len)
        senders = (sentences[key] for key in smaller if key in larger)
        return any(
            self.index.is_before(one, turn) or self.index.contains(turn, one) for one in senders
        )

    def _add_sentences(self, sentences: dict[str, Span], turn: Span) -> None:
        for key in sentence_keys(self.output(turn)):
            sentences.setdefault(key, turn)
