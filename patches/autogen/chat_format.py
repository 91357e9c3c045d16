"""The repair of AutoGen's LLM spans, in which MLflow's UI finds no conversation.

The spans then hold a chat completion in OpenAI's shape, `{"messages": …}` and `{"choices": …}`, and
say so; the UI renders it whole, with images, thoughts, tool calls and tool results.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from patches.autogen.openai_format import to_openai_completion, to_openai_messages
from patches.patch import Patch

SECRET_ARGUMENTS = ("extra_headers", "extra_query")
"""What is left out of a request's extra arguments."""
VOLATILE_FIELDS = ("id", "created_at")
"""What AutoGen gives each message of its agents, and no two runs have in common."""


@contextmanager
def _apply() -> Generator[None]:
    import mlflow.autogen as autolog

    bind, convert = autolog.construct_full_inputs, autolog._convert_value_to_dict

    def construct_full_inputs(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {
            key: value for key, value in bind(*args, **kwargs).items() if _is_informative(value)
        }

    autolog.construct_full_inputs = construct_full_inputs
    autolog._convert_value_to_dict = to_json
    try:
        yield
    finally:
        autolog.construct_full_inputs, autolog._convert_value_to_dict = bind, convert


def to_json(value: Any) -> Any:
    """An argument or the result of an AutoGen call, as JSON that a person and MLflow's UI can read.

    A completion also makes the active LLM span declare its shape. What is no data is named by its
    class: a repr bears an address.
    """
    from autogen_core import Image
    from autogen_core.models import CreateResult
    from autogen_core.tools import BaseTool
    from pydantic import BaseModel

    match value:
        case None | bool() | int() | float() | str():
            return value
        case CreateResult():
            _declare_openai_format()
            return to_openai_completion(value)
        case Image():
            return value.to_openai_format()
        case BaseTool():
            return to_json(value.schema)
        case type() if issubclass(value, BaseModel):
            return _json_schema(value)
        case BaseModel():
            return _model_fields(value)
        case Mapping():
            kept = {key: item for key, item in value.items() if key not in SECRET_ARGUMENTS}
            return {str(key): to_json(item) for key, item in kept.items()}
        case list() | tuple():
            return _items(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
        case _:
            return (value if isinstance(value, type) else type(value)).__name__


def _json_schema(model: Any) -> Any:
    """Its JSON schema, or its name where its fields have none, as a function has none."""
    from pydantic.errors import PydanticInvalidForJsonSchema

    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return model.__name__


def _model_fields(model: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    from autogen_agentchat.messages import BaseMessage

    left_out = VOLATILE_FIELDS if isinstance(model, BaseMessage) else ()
    return {
        name: to_json(value) for name, value in model if value is not None and name not in left_out
    }


def _items(values: Sequence[Any]) -> list[Any]:
    from autogen_core.models import (
        AssistantMessage,
        FunctionExecutionResultMessage,
        SystemMessage,
        UserMessage,
    )

    sent = (SystemMessage, UserMessage, AssistantMessage, FunctionExecutionResultMessage)
    if all(isinstance(value, sent) for value in values):
        return to_openai_messages(values)
    return [to_json(value) for value in values]


def _is_informative(value: Any) -> bool:
    from autogen_core import CancellationToken

    return not (value is None or isinstance(value, CancellationToken) or value in ([], {}))


def _declare_openai_format() -> None:
    """Take back the format "autogen", whose parser in the UI knows no results of tools."""
    import mlflow
    from mlflow.entities import SpanType
    from mlflow.tracing.constant import SpanAttributeKey

    span = mlflow.get_current_active_span()
    if span is not None and span.span_type == SpanType.LLM:
        span.set_attribute(SpanAttributeKey.MESSAGE_FORMAT, "openai")


PATCH = Patch(
    name="autogen_chat_format",
    symptom=(
        "in MLflow's UI an AutoGen completion after a tool call shows no conversation, a reply that"
        " calls tools is an empty message, images and thoughts are missing; tools and the"
        " cancellation token are stored as the repr of an object"
    ),
    upstream=(
        "mlflow.autogen._convert_value_to_dict, and the UI's parser of the format `autogen`, which"
        " knows SystemMessage, UserMessage, AssistantMessage and FunctionMessage only"
    ),
    versions={"mlflow": ">=3.17,<4", "autogen-core": ">=0.7,<0.8"},
    delete_when="MLflow's UI renders a FunctionExecutionResultMessage and a list of FunctionCalls",
    canary="tests/patches/autogen/test_chat_format_in_ui.py::test_mlflow_renders_a_tool_call_and_its_result_without_us",
    apply=_apply,
)
