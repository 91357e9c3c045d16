"""The models of the API: any name is a model, since the tape answers for all."""

from typing import Any

import orjson

from scenarios.tape.request import MODELS_PATH


def is_models_path(path: str) -> bool:
    """Whether a path asks for the models, or for one of them."""
    return path == MODELS_PATH or path.startswith(f"{MODELS_PATH}/")


def models_body(path: str) -> bytes:
    """All models, or the one that the path names."""

    def model(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "agent-flight-recorder"}

    name = path.removeprefix(MODELS_PATH).removeprefix("/")
    listed = {"object": "list", "data": [model("taped")]}
    return orjson.dumps(model(name) if name else listed)
