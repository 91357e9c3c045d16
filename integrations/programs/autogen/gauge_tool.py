"""A gauge: a tool that reads one figure, from a service that wants a credential."""

from typing import Any

from autogen_core import CancellationToken
from autogen_core.tools import BaseTool
from pydantic import BaseModel

from integrations.programs.case_context import TOOL_CREDENTIAL, CaseContext


class GaugeArguments(BaseModel):
    """Where it is read."""

    place: str


class GaugeTool(BaseTool[GaugeArguments, Any]):
    """Tells its reading, and the world that it has been read. No model sees its credential."""

    def __init__(self, world: CaseContext, agent: str, name: str, reading: str) -> None:
        super().__init__(GaugeArguments, str, name, f"Reads the {name} at a place.")
        self.credential = TOOL_CREDENTIAL
        self._told = (world, agent)
        self._reading = reading

    async def run(self, args: GaugeArguments, cancellation_token: CancellationToken) -> str:
        """The reading."""
        world, agent = self._told
        world.record_tool_run(agent, self.name)
        return f"{args.place}: {self._reading}"


class FailingGaugeTool(GaugeTool):
    """It has been read, and what it raises is told to the model."""

    async def run(self, args: GaugeArguments, cancellation_token: CancellationToken) -> str:
        """Raises `TimeoutError`."""
        world, agent = self._told
        world.record_tool_run(agent, self.name, raised=True)
        raise TimeoutError(f"no answer from {args.place}")
