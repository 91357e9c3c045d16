"""Build an error body of the OpenAI API."""

import orjson

INVALID_REQUEST_TYPE = "invalid_request_error"
"""The error type of a request that the API cannot process."""


def error_body(message: str, error_type: str = INVALID_REQUEST_TYPE) -> bytes:
    """Return the JSON body of an error; `error_type` is also its code."""
    error = {"message": message, "type": error_type, "param": None, "code": error_type}
    return orjson.dumps({"error": error})
