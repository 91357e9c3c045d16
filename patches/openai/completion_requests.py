"""Recognize a request for a completion by its path, and name its API."""

from typing import Any
from urllib.parse import urlsplit

LEGACY_NAME = "completions"
SPAN_NAMES = {
    "/chat/completions": "chat.completions",
    "/responses": "responses",
    "/completions": LEGACY_NAME,
}
"""The paths of completion requests below the API's address, and the client's attributes for them.

`/chat/completions` comes before the path that it ends with.
"""


def completion_name(options: Any) -> str | None:
    """Return the name of a request for a completion; None if it asks for no completion.

    A program that calls `client.post` itself may write the path without its slash, or a whole URL.
    """
    path = f"/{urlsplit(str(options.url)).path.strip('/')}"
    if options.method.lower() != "post":
        return None
    return next((name for ending, name in SPAN_NAMES.items() if path.endswith(ending)), None)
