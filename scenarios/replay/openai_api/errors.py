"""An error: what a client is told that gets no answer, in the shape of the API's own errors."""

import orjson

INVALID = "invalid_request_error"
"""The kind of a request that the API cannot read."""


def error(message: str, kind: str = INVALID) -> bytes:
    """The body of an error."""
    said = {"message": message, "type": kind, "param": None, "code": kind}
    return orjson.dumps({"error": said})
