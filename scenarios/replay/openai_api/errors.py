"""An error: what a client is told that gets no answer, in the shape of the API's own errors."""

import orjson

INVALID_REQUEST_TYPE = "invalid_request_error"
"""The kind of a request that the API cannot read."""


def error_body(message: str, error_type: str = INVALID_REQUEST_TYPE) -> bytes:
    """The body of an error."""
    said = {"message": message, "type": error_type, "param": None, "code": error_type}
    return orjson.dumps({"error": said})
