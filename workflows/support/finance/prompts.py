"""The prompts of the finance crew's agents and tasks, and the tools that each task requires."""

from typing import NamedTuple


class Persona(NamedTuple):
    """The prompt of an agent."""

    goal: str
    backstory: str


class TaskPrompt(NamedTuple):
    """The prompt of a task; `{task}` in it is replaced by the user's request."""

    description: str
    expected_output: str


PERSONAS = {
    "lead": Persona(
        "Turn a request into a charter: the rules that the figures of a briefing must follow.",
        "You write few rules, each of which can be checked.",
    ),
    "specialist": Persona(
        "Find the published figures that a request needs.",
        "You take figures from your tools alone; where they have no data, you say: no data.",
    ),
    "analyst": Persona(
        "Say what figures mean.",
        "You work with figures that the crew has noted, and recall them before you use them.",
    ),
    "synthesist": Persona(
        "Write a briefing that its reader can rely on.",
        "You keep to the charter, and claim that figures are verified only after a check.",
    ),
}
"""The prompt of each agent, keyed by its role."""

TASKS = {
    "charter": TaskPrompt(
        "Write the charter for this request: {task}\n"
        "One rule per line: the period that the figures must have; that each is given with its"
        " unit, period and source;\nthat where there is no data the briefing says so.",
        "The rules, one per line.",
    ),
    "figures": TaskPrompt(
        "Look up every figure that this request needs, all of them at once: {task}\n"
        "Then note each with its unit and period.",
        "Each figure with unit, period and source; or: no data.",
    ),
    "analysis": TaskPrompt(
        "Recall the figures that were noted, and say what they mean for this request: {task}",
        "Two or three sentences.",
    ),
    "briefing": TaskPrompt(
        "Write the briefing that was asked for, and have its figures checked: {task}",
        'JSON alone: {"report": "the briefing, in at most four sentences", "verified": true or'
        " false},\nwhere verified is true only if a check of its figures found no fault.",
    ),
}
"""The prompt of each task, in the order in which they run."""

REQUIRED_TOOLS = {
    "figures": ("world_bank_indicator",),
    "analysis": ("recall_figure",),
    "briefing": ("check_figures",),
}
"""The tools of each task. To delegate it to an agent without them is a failed delegation."""
