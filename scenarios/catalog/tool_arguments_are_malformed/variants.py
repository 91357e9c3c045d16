"""The broken search agent: a call that it cannot read looks like a search without results."""

from collections.abc import Sequence

from workflows.search_agent import SearchAgent
from workflows.support import search
from workflows.support.clients.openai import ToolCall
from workflows.support.search.session import Session


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
        if reason := search.object_to_other_country(session.task, announcement, arguments):
            raise search.CallRejectedError(reason)
        return await tool.search(**arguments)
