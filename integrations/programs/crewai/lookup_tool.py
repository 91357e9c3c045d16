"""A look-up: a tool that authenticates with its own service, and fails for what is nowhere."""

from typing import Any

from crewai.tools import BaseTool
from pydantic import BaseModel, PrivateAttr

from integrations.programs.case_context import CREDENTIAL, World

NOWHERE = "nowhere"


class Asked(BaseModel):
    """Its arguments."""

    place: str


class Lookup(BaseTool):
    """One agent's, which tells the world each time that it runs."""

    name: str = "lookup"
    description: str = "Look a place up."
    args_schema: type[BaseModel] = Asked
    api_key: str = CREDENTIAL
    _world: World = PrivateAttr()
    _agent: str = PrivateAttr()

    def __init__(self, world: World, agent: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._world, self._agent = world, agent

    def _run(self, place: str) -> str:
        raised = place == NOWHERE
        self._world.ran(self._agent, self.name, raised=raised)
        if raised:
            raise LookupError(f"there is no place {place}")
        return f"{place} lies high"
