"""Programs of the `openai` cases: one function per case, with its name."""

from integrations.programs.openai.chat_completions import asynchronous as asynchronous
from integrations.programs.openai.chat_completions import cancelled as cancelled
from integrations.programs.openai.chat_completions import own_headers as own_headers
from integrations.programs.openai.chat_completions import retried as retried
from integrations.programs.openai.chat_completions import sync as sync
from integrations.programs.openai.chat_completions import tool_calls as tool_calls
from integrations.programs.openai.responses_api import responses as responses
from integrations.programs.openai.responses_api import responses_stream as responses_stream
from integrations.programs.openai.responses_api import responses_tool_calls as responses_tool_calls
from integrations.programs.openai.streamed_completions import async_stream as async_stream
from integrations.programs.openai.streamed_completions import stream as stream
from integrations.programs.openai.streamed_completions import stream_breaks as stream_breaks
from integrations.programs.openai.streamed_completions import stream_ends_early as stream_ends_early
from integrations.programs.openai.streamed_completions import (
    streamed_tool_calls as streamed_tool_calls,
)
