"""Build the response of the embeddings endpoint."""

import base64
import struct
from collections.abc import Sequence

import orjson


def embeddings_body(
    vectors: Sequence[list[float]], model: str, input_tokens: int, *, as_base64: bool
) -> bytes:
    """Return the JSON body; in base64, a vector is its numbers as little-endian 32-bit floats."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _to_base64(vector) if as_base64 else vector,
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
    return orjson.dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _to_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
