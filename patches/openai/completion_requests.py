"""Tell which requests ask for a completion, and whether a span around them records it already."""

import re
from typing import Any
from urllib.parse import urlsplit

from patches.support.open_span import OpenSpan

LEGACY_NAME = "completions"
SPAN_NAMES = {
    "/chat/completions": "chat.completions",
    "/responses": "responses",
    "/completions": LEGACY_NAME,
}
"""The paths of completion requests below the API's address, and the client's attributes for them.

`/chat/completions` comes before the path that it ends with.
"""


RESPONSE_PATH = re.compile(r"(?:.*/)?responses/([^/]+)/?")


def completion_name(options: Any) -> str | None:
    """Return the name of a request for a completion; None if it asks for no completion.

    A program that calls `client.post` itself may write the path without its slash, or a whole URL.
    """
    path = f"/{urlsplit(str(options.url)).path.strip('/')}"
    if options.method.lower() != "post":
        return None
    return next((name for ending, name in SPAN_NAMES.items() if path.endswith(ending)), None)


def retrieved_response_id(options: Any) -> str | None:
    """Return the id of the response that a request retrieves; None if it does something else."""
    found = RESPONSE_PATH.fullmatch(urlsplit(str(options.url)).path)
    return found[1] if found and options.method.lower() == "get" else None


def is_recorded_already() -> bool:
    """Return whether a span around the request records its completion.

    That is a span of a framework, or one that the program has opened: it has the attribute by which
    `instrumentation.record_request` and other hand-written instrumentation declare a completion. A
    span of type LLM without it does not record one.
    """
    import mlflow

    outer = OpenSpan.innermost()
    if outer is not None and not outer.is_ended and outer.records_completion:
        return True
    current = mlflow.get_current_active_span()
    if current is None or current.end_time_ns is not None:  # a task keeps the span it started in
        return False
    return bool(current.get_attribute("gen_ai.operation.name") == "chat")
