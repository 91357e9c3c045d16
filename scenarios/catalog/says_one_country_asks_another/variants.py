"""The broken search agent: it does not compare a call with the text that announces it."""

from collections.abc import Sequence

from workflows.search_agent import SearchAgent
from workflows.support import search
from workflows.support.clients.openai import ToolCall
from workflows.support.search.session import Session


class MakesEveryCall(SearchAgent):
    """The mistake: a call is made as it is, whatever country the model said it would ask about."""

    async def run_tool(
        self, session: Session, announcement: str, call: ToolCall
    ) -> Sequence[search.Hit]:
        tool = session.tool(call.name)
        arguments = tool.parse(call.arguments)
        return await tool.search(**arguments)
