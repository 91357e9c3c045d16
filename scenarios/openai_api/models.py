"""Answer the models endpoint: any model name exists, since the tape answers for all of them."""

from typing import Any

import orjson

from scenarios.tape.request import MODELS_PATH


def is_models_path(path: str) -> bool:
    """Return whether a path is the list of models, or one model."""
    return path == MODELS_PATH or path.startswith(f"{MODELS_PATH}/")


def models_body(path: str) -> bytes:
    """Return the JSON body for a path: the list of models, or the model that it names."""
    name = path.removeprefix(MODELS_PATH).removeprefix("/")
    if name:
        return orjson.dumps(_model(name))
    return orjson.dumps({"object": "list", "data": [_model("taped")]})


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "agent-flight-recorder"}
