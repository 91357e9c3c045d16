"""What a program asks the `openai` package for, in each case: a function of each case's name."""

from integrations.inside.clients.chats import asynchronous as asynchronous
from integrations.inside.clients.chats import cancelled as cancelled
from integrations.inside.clients.chats import own_headers as own_headers
from integrations.inside.clients.chats import retried as retried
from integrations.inside.clients.chats import sync as sync
from integrations.inside.clients.chats import tool_calls as tool_calls
from integrations.inside.clients.responses import responses as responses
from integrations.inside.clients.responses import responses_stream as responses_stream
from integrations.inside.clients.responses import responses_tool_calls as responses_tool_calls
from integrations.inside.clients.streams import async_stream as async_stream
from integrations.inside.clients.streams import stream as stream
from integrations.inside.clients.streams import stream_breaks as stream_breaks
from integrations.inside.clients.streams import stream_ends_early as stream_ends_early
from integrations.inside.clients.streams import streamed_tool_calls as streamed_tool_calls
