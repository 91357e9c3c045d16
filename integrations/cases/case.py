"""A test case: a small program of one framework, its scripted replies, and what happens in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scenarios.replay.faults import Fault
from scenarios.tape.tape import Tape


@dataclass(frozen=True)
class Case:
    """A program to run, the replies that it is given, and what is known to happen in it.

    The program is the function called `name` in `integrations.programs.<framework>`. Tool runs are
    not listed here: the program itself records them while it runs.

    Attributes:
        name: The name of the program's function.
        framework: "crewai", "autogen" or "openai".
        title: The heading of its row in the fidelity table.
        scripted_replies: Tape lines that answer its completions.
        turns: The agents that take a turn, in a possible order.
        handoffs: Pairs of sender and receiver.
        faults: Faults that the replay server injects.
        expected_error: The type name of the error that ends the case; empty if it succeeds.
        team_lanes: Lanes whose completions belong to the team and to no agent, such as the one
            that selects the next speaker.
        expected_trees: How many runs of the framework it starts. Each may have its own span tree.
    """

    name: str
    framework: str
    title: str
    scripted_replies: tuple[Mapping[str, Any], ...]
    turns: tuple[str, ...] = ()
    handoffs: tuple[tuple[str, str], ...] = ()
    faults: tuple[Fault, ...] = ()
    expected_error: str = ""
    team_lanes: tuple[str, ...] = ()
    expected_trees: int = 1

    @property
    def full_name(self) -> str:
        """The name with its framework, as in "crewai/memory"."""
        return f"{self.framework}/{self.name}"

    @property
    def tape(self) -> Tape:
        """The scripted replies as a tape."""
        return Tape.parse(b"\n".join(map(orjson.dumps, self.scripted_replies)), self.full_name)
