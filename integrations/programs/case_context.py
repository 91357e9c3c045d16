"""The context of one case: the endpoint of its completions, and a record of its tool runs."""

from dataclasses import dataclass, field

API_KEY = "sk-proj-never0to0be0seen0in0a0trace"
"""The API key of every client. It is never part of a prompt, so no trace may contain it."""
TOOL_CREDENTIAL = "tool-credential-never-to-be-seen"
"""The credential of a tool's own service. It is never part of a prompt either."""
MODEL = "gpt-4o-mini"
"""A model with a known price, so that costs can be computed."""
AGENT_HEADER = "x-agent-name"


class UnsupportedFeatureError(Exception):
    """This version of a framework, or of an instrumentor, lacks the feature that a case needs.

    The child process reports it by its type name, and the case then counts for nothing.
    """


@dataclass
class CaseContext:
    """The context of one case.

    Attributes:
        base_url: The endpoint of its completions.
        tool_runs: Each run of a tool, as `{"agent": …, "tool": …, "raised": …}`.
    """

    base_url: str
    tool_runs: list[dict[str, object]] = field(default_factory=list)

    def record_tool_run(self, agent: str, tool: str, *, raised: bool = False) -> None:
        """Record that a tool ran for an agent, and whether it raised."""
        self.tool_runs.append({"agent": agent, "tool": tool, "raised": raised})
