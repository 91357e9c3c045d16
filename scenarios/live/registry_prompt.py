"""A chat with the lesson's own system prompt, or with one of MLflow's registry."""

from collections.abc import Callable

import mlflow
import typer
from mlflow.exceptions import MlflowException

from workflows.chat_stream import StreamedChat
from workflows.lifecycle.released_chat import ReleasedChat
from workflows.model import Model


def make_chat(
    model: Model, prompt: str | None, on_chunk: Callable[[str, str], None]
) -> StreamedChat:
    """Make a chat.

    Args:
        model: The model that answers.
        prompt: A prompt of the registry, as NAME@ALIAS, which each turn loads.
        on_chunk: Is called with each piece of an answer.

    Raises:
        typer.BadParameter: There is no such prompt.
    """
    if prompt is None:
        return StreamedChat(model, on_chunk=on_chunk)
    try:
        mlflow.genai.load_prompt(f"prompts:/{prompt}")
    except MlflowException as error:
        raise typer.BadParameter(
            f"--prompt expects NAME@ALIAS of a prompt in the registry; got {prompt!r}:"
            f" {error.message}"
        ) from error
    return ReleasedChat(model, prompt=prompt, on_chunk=on_chunk)
