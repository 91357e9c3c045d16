"""The name and the client attribute of the LLM spans that patches record."""

COMPLETION_SPAN_NAME = "chat_completion"
CLIENT_ATTRIBUTE = "flight_recorder.client"
"""Holds the client's class and method, such as `OpenAIChatCompletionClient.create_stream`."""
