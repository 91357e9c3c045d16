"""Two ways to write a finding without reading first."""

from workflows.graphflow_media import MediaVerification
from workflows.support.media.tools import Finding, MediaTools


class OverwritesFindings(MediaVerification):
    """The mistake: all agents write to the same key, and none reads it before."""

    async def note_finding(self, tools: MediaTools, author: str, finding: Finding) -> str:
        return tools.acknowledge_finding(
            finding, tools.state.write("findings", finding, author=author)
        )


class WritesToItsOwnKey(MediaVerification):
    """No agent reads before it writes, but each has a key of its own."""

    async def note_finding(self, tools: MediaTools, author: str, finding: Finding) -> str:
        return tools.acknowledge_finding(finding, tools.state.write(author, finding, author=author))
