"""Naive guesses that a diagnosis must beat: an agent and a step, named without reading the log."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from instrumentation.trace.conversations import Conversation, Step
from scenarios.evaluation.diagnosis_benchmark.labelled_logs import LabelledLog


@dataclass(frozen=True)
class Attribution:
    """The agent and the step that are said to have begun a failure; None: not said."""

    agent: str | None = None
    step: int | None = None


Attribute = Callable[[Conversation], Attribution]


def first_speaker(conversation: Conversation) -> Attribution:
    return _attribution_of(agent_steps(conversation)[0])


def last_speaker(conversation: Conversation) -> Attribution:
    return _attribution_of(agent_steps(conversation)[-1])


def most_frequent_speaker(conversation: Conversation) -> Attribution:
    """The agent with the most steps; of several, the first. No step is named."""
    counts = Counter(step.speaker for step in agent_steps(conversation))
    return Attribution(agent=counts.most_common(1)[0][0])


def constant_step(logs: Sequence[LabelledLog]) -> tuple[int, Attribute]:
    """The step number that is right most often in these logs, and its attribution.

    It is chosen with the labels in hand, so it is the best that any constant can do.
    """
    counts = Counter(log.label.step for log in logs if log.label)
    best = min(counts, key=lambda number: (-counts[number], number))

    def attribute(conversation: Conversation) -> Attribution:
        step = next((one for one in conversation.steps if one.number == best), None)
        return Attribution(step.speaker if step else None, best)

    return best, attribute


def uniform_chances(log: LabelledLog) -> tuple[float, float]:
    """The chances that an agent, and an agent's step, are right if drawn at random."""
    agents = [agent.casefold() for agent in log.conversation.agents]
    steps = [step.number for step in agent_steps(log.conversation)]
    if log.label is None:
        return 0.0, 0.0
    return (
        agents.count(log.label.agent.casefold()) / len(agents),
        steps.count(log.label.step) / len(steps),
    )


def agent_steps(conversation: Conversation) -> Sequence[Step]:
    return [step for step in conversation.steps if step.kind == "agent"]


def _attribution_of(step: Step) -> Attribution:
    return Attribution(step.speaker, step.number)


SPEAKER_BASELINES: Mapping[str, Attribute] = {
    "first speaker": first_speaker,
    "last speaker": last_speaker,
    "most frequent speaker": most_frequent_speaker,
}
