"""A case: a small thing that a framework does, and what is known to happen in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from scenarios.replay.faults import Fault
from scenarios.tape.tape import Tape

PROGRAM_MODULES: Mapping[str, str] = {"crewai": "crews", "autogen": "teams", "openai": "clients"}
"""Each framework, and the module of `integrations.programs` whose functions are its cases."""


@dataclass(frozen=True)
class Case:
    """What is played. The function of its name in the framework's module does it, in the cell.

    `lines` are those of a tape, scripted. `turns` are the agents that take one, in an order in
    which they can; `handoffs` are pairs of sender and receiver: what no server can see, and the
    tape decides. How often a tool runs, and what it raises, the case's own tools tell.
    `outside` are lanes whose completions are no agent's: a team's own, which says who is next.
    `trees` is how many runs it is of the framework, each of which may be a tree of its own.
    `ends` is the type of the error that ends it, and empty where it ends well.
    """

    name: str
    framework: str
    title: str
    scripted_replies: tuple[Mapping[str, Any], ...]
    turns: tuple[str, ...] = ()
    handoffs: tuple[tuple[str, str], ...] = ()
    faults: tuple[Fault, ...] = field(default=())
    expected_error: str = ""
    team_lanes: tuple[str, ...] = ()
    expected_trees: int = 1

    @property
    def tape(self) -> Tape:
        """Its lines as a tape."""
        return Tape.parse(
            b"\n".join(map(orjson.dumps, self.scripted_replies)), f"{self.framework}/{self.name}"
        )
