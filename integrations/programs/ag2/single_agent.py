"""A program with one agent of AG2, whose package is `ag2` since 1.0, and was `autogen` before."""

from typing import Any

from integrations.programs.case_context import AGENT_HEADER, API_KEY, MODEL, CaseContext

NAME = "clerk"
TASK = "Sum the two parts up."


async def answer(context: CaseContext) -> str:
    """One question to one agent."""
    client_settings: dict[str, Any] = {
        "model": MODEL,
        "api_key": API_KEY,
        "base_url": context.base_url,
        "default_headers": {AGENT_HEADER: NAME},
    }
    try:
        from ag2 import Agent
        from ag2.config import OpenAIConfig
    except ImportError:
        return _answer_of_autogen(client_settings)
    reply = await Agent(NAME, config=OpenAIConfig(**client_settings)).ask(TASK)
    return str(reply.body)


def _answer_of_autogen(client_settings: dict[str, Any]) -> str:
    from autogen import ConversableAgent

    clerk = ConversableAgent(NAME, llm_config={"config_list": [client_settings]})
    user = ConversableAgent("user", llm_config=False, human_input_mode="NEVER")
    return str(user.initiate_chat(clerk, message=TASK, max_turns=1, silent=True).summary)
