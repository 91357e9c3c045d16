"""The broken search agent: a call that it cannot read looks like a search without results."""

from collections.abc import Sequence

from workflows import search
from workflows.clients.openai import ToolCall
from workflows.search.session import Session
from workflows.search_agent import SearchAgent


class IgnoresMalformedArguments(SearchAgent):
    """The mistake: arguments that cannot be parsed are ignored: the search finds nothing."""

    async def run_tool(
        self, session: Session, announcement: str, call: ToolCall
    ) -> Sequence[search.Hit]:
        tool = session.tool(call.name)
        try:
            arguments = tool.parse(call.arguments)
        except search.InvalidArgumentsError:
            return []
        if reason := search.check_country(session.task, announcement, arguments):
            raise search.CallRejectedError(reason)
        return await tool.search(**arguments)
