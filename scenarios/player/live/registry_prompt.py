"""Give a lesson system prompts from MLflow's prompt registry, and link them to its traces."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mlflow
import typer
from mlflow import MlflowClient
from mlflow.entities.model_registry import PromptVersion
from mlflow.exceptions import MlflowException

from workflows.chat_stream import StreamedChat
from workflows.lifecycle.released_chat import ReleasedChat
from workflows.model import Model


def make_chat(
    model: Model, prompt: str | None, on_chunk: Callable[[str, str], None]
) -> StreamedChat:
    """Make a chat.

    Args:
        prompt: A prompt of the registry, as NAME@ALIAS, which each turn loads.

    Raises:
        typer.BadParameter: There is no such prompt.
    """
    if prompt is None:
        return StreamedChat(model, on_chunk=on_chunk)
    load_prompt(prompt)
    return ReleasedChat(model, prompt=prompt, on_chunk=on_chunk)


def load_prompt(prompt: str) -> PromptVersion:
    """Load NAME@ALIAS. Raises typer.BadParameter if there is no such prompt."""
    try:
        return mlflow.genai.load_prompt(f"prompts:/{prompt}")
    except MlflowException as error:
        raise typer.BadParameter(
            f"--prompt expects NAME@ALIAS of a prompt in the registry; got {prompt!r}:"
            f" {error.message}"
        ) from error


def replace_prompts(
    workflow: type[Any], prompts: Mapping[str, PromptVersion], agents: Iterable[str]
) -> type[Any]:
    """Return a lesson whose agents have these system prompts.

    Args:
        workflow: The class of a lesson, with a `system_prompt`, or with a method `create_agent`
            that is given the name and the system prompt of each agent.
        prompts: The prompts by agent; "" for the agent of a lesson that has one.

    Raises:
        typer.BadParameter: The lesson has no such agent, or its agents have no system prompts.
    """
    if not prompts:
        return workflow
    texts = {agent: str(prompt.template) for agent, prompt in prompts.items()}
    if hasattr(workflow, "system_prompt") and set(texts) == {""}:
        return type(workflow.__name__, (workflow,), {"system_prompt": texts[""]})
    if not hasattr(workflow, "create_agent") or "" in texts:
        raise typer.BadParameter(
            f"--prompt cannot be used with {_describe(workflow)}; it expects NAME@ALIAS for a"
            " lesson with one agent, such as search_agent, and AGENT=NAME@ALIAS for a lesson with"
            " several, such as graphflow_review"
        )
    if unknown := sorted(set(texts) - set(agents)):
        raise typer.BadParameter(
            f"--prompt names the agent {unknown[0]!r}; {_describe(workflow)} has"
            f" {', '.join(sorted(agents))}"
        )
    own_create_agent = workflow.create_agent

    def create_agent(self: Any, name: str, prompt: str, *args: Any, **options: Any) -> Any:
        return own_create_agent(self, name, texts.get(name, prompt), *args, **options)

    return type(workflow.__name__, (workflow,), {"create_agent": create_agent})


def _describe(workflow: type[Any]) -> str:
    module = inspect.getmodule(workflow)
    return module.__name__.rpartition(".")[2] if module else workflow.__name__


def link_prompts(prompts: Iterable[PromptVersion], trace_ids: Iterable[str], store: str) -> None:
    """Link prompts to the traces that they produced, as MLflow does for what a span loads."""
    versions, client = list(prompts), MlflowClient(store)
    for trace_id in trace_ids if versions else ():
        client.link_prompt_versions_to_trace(versions, trace_id)
