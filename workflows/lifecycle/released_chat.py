"""A chat whose prompt is in MLflow's registry; its traces name the version and the release.

    release ──registers──▶ prompt, version 2
       └────moves─────────▶ alias "production" ──▶ version 2 ──is loaded by──▶ turn

A line of the task that begins with "release: " is a new prompt; the others are messages. A turn is
as in `chat_stream.py`, with the prompt that it loads:

    turn                  CHAIN
      assistant           AGENT
        load_prompt       CHAIN   name, alias and version of the prompt; the version released last
        stream_answer     LLM

Each release is a `LoggedModel` with its parameters, which MLflow links to the traces of its turns.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import uuid4

import mlflow
from mlflow.entities import SpanType
from mlflow.exceptions import MlflowException
from openai import AsyncOpenAI

from workflows.chat_stream import StreamedChat
from workflows.model import Model
from workflows.support.chat import Conversation

RELEASE = "release: "
PROMPT_PREFIX = "flight_recorder.prompt"


class ReleasedChat(StreamedChat):
    """An assistant with a prompt of the registry. Override a method to change one decision."""

    def __init__(
        self, model: Model, *, prompt: str = "flight-recorder-chat@production", **options: Any
    ) -> None:
        """`prompt` is NAME@ALIAS. Options are those of `StreamedChat`."""
        super().__init__(model, **options)
        self.name, _, self.alias = prompt.partition("@")
        self.released: int | None = None

    async def run(self, task: str) -> Conversation:
        """Release the prompts of the task, and send its messages."""
        conversation = Conversation(self.session or str(uuid4()), self.user)
        async with self.client() as client:
            for line in filter(str.strip, task.splitlines()):
                if line.startswith(RELEASE):
                    self.release(line.removeprefix(RELEASE))
                else:
                    conversation = await self.take_turn(client, conversation, line)
        return conversation

    def release(self, template: str) -> int:
        """Make a text the prompt of the alias; returns its version."""
        version = find_version(self.name, template)
        if version is None:
            version = int(mlflow.genai.register_prompt(self.name, template).version)
        self.point_alias(version)
        self.released = version
        return version

    def point_alias(self, version: int) -> None:
        """Let the alias name the released version, also if it is an older one: a rollback."""
        mlflow.genai.set_prompt_alias(self.name, self.alias, version)

    async def take_turn(
        self, client: AsyncOpenAI, conversation: Conversation, message: str
    ) -> Conversation:
        with self.activate_release():
            return await super().take_turn(client, conversation, message)

    def load_system_prompt(self) -> str:
        """Load the version of the alias, and record which one it is."""
        with mlflow.start_span("load_prompt", span_type=SpanType.CHAIN) as span:
            prompt = mlflow.genai.load_prompt(f"prompts:/{self.name}@{self.alias}")
            span.set_attributes(
                {
                    f"{PROMPT_PREFIX}.name": self.name,
                    f"{PROMPT_PREFIX}.alias": self.alias,
                    f"{PROMPT_PREFIX}.version": int(prompt.version),
                }
            )
            if self.released is not None:
                span.set_attribute(f"{PROMPT_PREFIX}.released_version", self.released)
            span.set_outputs(prompt.template)
        return str(prompt.template)

    def activate_release(self) -> AbstractContextManager[Any]:
        """Link the traces within the block to the release, if this program made one."""
        if self.released is None:
            return nullcontext()
        parameters = {"prompt": self.name, "prompt_version": str(self.released)}
        return activate_model(parameters | {"model": self.model.name})


def find_version(name: str, template: str) -> int | None:
    """The newest version of a prompt with this text."""
    newest = mlflow.genai.load_prompt(f"prompts:/{name}@latest", allow_missing=True)
    for version in range(int(newest.version) if newest else 0, 0, -1):
        try:
            found = mlflow.genai.load_prompt(name, version=version, link_to_model=False)
        except MlflowException:  # the version was deleted
            continue
        if found.template == template:
            return version
    return None


def activate_model(parameters: dict[str, str]) -> AbstractContextManager[Any]:
    """Make the `LoggedModel` with these parameters the active one; create it if needed."""
    values = "-".join(parameters.values())
    name = "".join(one if one.isalnum() or one in "-_" else "_" for one in values)
    model = mlflow.set_active_model(name=name)
    if not model.params:
        mlflow.log_model_params(parameters, model_id=model.model_id)
    active: AbstractContextManager[Any] = model
    return active
