"""A look-up: a tool that authenticates with its own service, and fails for what is nowhere."""

from typing import Any

from crewai.tools import BaseTool
from pydantic import BaseModel, PrivateAttr

from integrations.programs.case_context import TOOL_CREDENTIAL, CaseContext

UNKNOWN_PLACE = "nowhere"


class LookupArguments(BaseModel):
    """Its arguments."""

    place: str


class LookupTool(BaseTool):
    """One agent's, which tells the world each time that it runs."""

    name: str = "lookup"
    description: str = "Look a place up."
    args_schema: type[BaseModel] = LookupArguments
    api_key: str = TOOL_CREDENTIAL
    _world: CaseContext = PrivateAttr()
    _agent: str = PrivateAttr()

    def __init__(self, world: CaseContext, agent: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._world, self._agent = world, agent

    def _run(self, place: str) -> str:
        raised = place == UNKNOWN_PLACE
        self._world.record_tool_run(self._agent, self.name, raised=raised)
        if raised:
            raise LookupError(f"there is no place {place}")
        return f"{place} lies high"
