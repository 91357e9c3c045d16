"""The world of a case: where its completions come from, and what its tools have done."""

from dataclasses import dataclass, field

API_KEY = "sk-proj-never0to0be0seen0in0a0trace"
"""What clients authenticate with. No model is sent it."""
TOOL_CREDENTIAL = "tool-credential-never-to-be-seen"
"""What a tool keeps for its own service. No model is sent it either."""
MODEL = "gpt-4o-mini"
"""A model whose price is known, so that a cost can be computed."""
AGENT_HEADER = "x-agent-name"


class UnsupportedFeatureError(Exception):
    """Raised when this version of a framework cannot do what a case is about; says what it lacks.

    A child tells it as the error that ended the case, and it is no fault of any instrumentor.
    """


@dataclass
class CaseContext:
    """One case's. `tools` are the executions of tools: by which agent, which tool, did it raise."""

    base_url: str
    tool_runs: list[dict[str, object]] = field(default_factory=list)

    def record_tool_run(self, agent: str, tool: str, *, raised: bool = False) -> None:
        """A tool tells that it has run for this agent."""
        self.tool_runs.append({"agent": agent, "tool": tool, "raised": raised})
