"""A CrewAI tool that looks up a place. It holds a credential, and raises for an unknown place."""

from typing import Any

from crewai.tools import BaseTool
from pydantic import BaseModel, PrivateAttr

from integrations.programs.case_context import TOOL_CREDENTIAL, CaseContext

UNKNOWN_PLACE = "nowhere"


class LookupArguments(BaseModel):
    """The arguments of the tool."""

    place: str


class LookupTool(BaseTool):
    """The tool of one agent. It records each run in the case's context."""

    name: str = "lookup"
    description: str = "Look a place up."
    args_schema: type[BaseModel] = LookupArguments
    api_key: str = TOOL_CREDENTIAL
    _context: CaseContext = PrivateAttr()
    _agent: str = PrivateAttr()

    def __init__(self, context: CaseContext, agent: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._context, self._agent = context, agent

    def _run(self, place: str) -> str:
        raises = place == UNKNOWN_PLACE
        self._context.record_tool_run(self._agent, self.name, raised=raises)
        if raises:
            raise LookupError(f"there is no place {place}")
        return f"{place} lies high"
