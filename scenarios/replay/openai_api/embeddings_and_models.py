"""The JSON bodies of OpenAI's embeddings and models endpoints; every model name is accepted."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

import orjson

from scenarios.tape.requests.request import MODELS_PATH


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


def is_models_path(path: str) -> bool:
    """Return whether a path is the list of models, or one model."""
    return f"{path}/".startswith((f"{MODELS_PATH}/", "/models/"))


def models_body(path: str) -> bytes:
    """Return the JSON body for a path: the list of models, or the model that it names."""
    name = path.partition("/models")[2].removeprefix("/")
    if name:
        return orjson.dumps(_model(name))
    return orjson.dumps({"object": "list", "data": [_model("taped")]})


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "agent-flight-recorder"}
