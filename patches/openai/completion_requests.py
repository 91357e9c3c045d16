"""Tell which requests are recorded, as what, and whether a span around them does so already."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from patches.support.open_span import OpenSpan


@dataclass(frozen=True)
class Endpoint:
    """A part of the API whose requests are recorded.

    Attributes:
        name: The client's attribute for it, which names the span.
        operation: Its `gen_ai.operation.name`. MLflow reads the spans of "chat" as conversations.
    """

    name: str
    span_type: str = "LLM"
    operation: str = "chat"

    @property
    def makes_completions(self) -> bool:
        return self.span_type == "LLM"


RESPONSES = Endpoint("responses")
ENDPOINTS = {
    "/chat/completions": Endpoint("chat.completions"),
    "/responses": RESPONSES,
    "/responses/compact": Endpoint("responses.compact"),
    "/completions": Endpoint("completions", operation="text_completion"),
    "/embeddings": Endpoint("embeddings", "EMBEDDING", "embeddings"),
    "/images/generations": Endpoint("images.generate", "TOOL", "image_generation"),
    "/images/edits": Endpoint("images.edit", "TOOL", "image_generation"),
    "/images/variations": Endpoint("images.create_variation", "TOOL", "image_generation"),
    "/audio/transcriptions": Endpoint("audio.transcriptions", "TOOL", "transcription"),
    "/audio/translations": Endpoint("audio.translations", "TOOL", "translation"),
}
"""By path below the API's address; `/chat/completions` comes before the path that it ends with.

The types are MLflow's. The conventions have no operations for images and sound.
"""


RESPONSE_PATH = re.compile(r"(?:.*/)?responses/([^/]+)/?")


def find_endpoint(options: Any) -> Endpoint | None:
    """Return the endpoint that a request is for; None if the request is not recorded.

    A program that calls `client.post` itself may write the path without its slash, or a whole URL.
    """
    path = f"/{urlsplit(str(options.url)).path.strip('/')}"
    if options.method.lower() != "post":
        return None
    return next((found for ending, found in ENDPOINTS.items() if path.endswith(ending)), None)


def retrieved_response_id(options: Any) -> str | None:
    """Return the id of the response that a request retrieves; None if it does something else."""
    found = RESPONSE_PATH.fullmatch(urlsplit(str(options.url)).path)
    return found[1] if found and options.method.lower() == "get" else None


def is_recorded_already(endpoint: Endpoint = RESPONSES) -> bool:
    """Return whether a span around a request to the endpoint records its reply.

    Of a completion, that is a span of a framework, or one that the program has opened: it has the
    attribute by which `instrumentation.record_request` and other hand-written instrumentation
    declare a completion. A span of type LLM without it does not record one.
    """
    import mlflow

    outer = OpenSpan.innermost()
    is_completion = endpoint.makes_completions
    if is_completion and outer is not None and not outer.is_ended and outer.records_completion:
        return True
    current = mlflow.get_current_active_span()
    if current is None or current.end_time_ns is not None:  # a task keeps the span it started in
        return False
    operation = "chat" if is_completion else endpoint.operation
    return bool(current.get_attribute("gen_ai.operation.name") == operation)
