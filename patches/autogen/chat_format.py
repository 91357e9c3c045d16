"""Store AutoGen's LLM spans in OpenAI's chat format, which MLflow's UI shows as a conversation.

The spans then have `{"messages": …}` as inputs and `{"choices": …}` as outputs, and declare this
format. The UI shows images, thoughts, tool calls and tool results.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any

from patches.autogen.openai_format import to_openai_completion, to_openai_messages
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block

SECRET_ARGUMENTS = ("extra_headers", "extra_query")
"""Arguments of a request that may contain an API key, and are left out."""
VOLATILE_FIELDS = ("id", "created_at")
"""Fields of AutoGen's agent messages that differ in each run, and are left out."""


def _apply() -> AbstractContextManager[None]:
    import mlflow.autogen as autolog

    bind, convert = autolog.construct_full_inputs, autolog._convert_value_to_dict

    @wraps(bind)
    def construct_full_inputs(*args: Any, **kwargs: Any) -> dict[str, Any]:
        inputs = bind(*args, **kwargs)
        return {key: value for key, value in inputs.items() if _is_informative(value)}

    @wraps(convert)
    def convert_value_to_dict(value: Any, *args: Any, **kwargs: Any) -> Any:
        return to_json(value)

    return replace_for_block(
        autolog,
        construct_full_inputs=construct_full_inputs,
        _convert_value_to_dict=convert_value_to_dict,
    )


def to_json(value: Any) -> Any:
    """Convert an argument or the result of an AutoGen call to JSON data.

    Other objects are replaced by their class name, because a repr may contain a memory address.
    Converting a completion also declares the format of the active LLM span.
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
            return {
                str(key): to_json(item)
                for key, item in value.items()
                if key not in SECRET_ARGUMENTS
            }
        case list() | tuple():
            return _items(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
        case _:
            return (value if isinstance(value, type) else type(value)).__name__


def _json_schema(model: Any) -> Any:
    """Return a model's JSON schema, or its name if a field, such as a function, has no schema."""
    from pydantic.errors import PydanticInvalidForJsonSchema

    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return model.__name__


def _model_fields(model: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    from autogen_agentchat.messages import BaseMessage

    omitted = VOLATILE_FIELDS if isinstance(model, BaseMessage) else ()
    return {
        name: to_json(value) for name, value in model if value is not None and name not in omitted
    }


def _items(values: Sequence[Any]) -> list[Any]:
    from autogen_core.models import (
        AssistantMessage,
        FunctionExecutionResultMessage,
        SystemMessage,
        UserMessage,
    )

    llm_messages = (SystemMessage, UserMessage, AssistantMessage, FunctionExecutionResultMessage)
    if all(isinstance(value, llm_messages) for value in values):
        return to_openai_messages(values)
    return [to_json(value) for value in values]


def _is_informative(value: Any) -> bool:
    from autogen_core import CancellationToken

    return not (value is None or isinstance(value, CancellationToken) or value in ([], {}))


def _declare_openai_format() -> None:
    """Replace the format "autogen", whose parser in the UI cannot show tool results."""
    import mlflow
    from mlflow.entities import SpanType
    from mlflow.tracing.constant import SpanAttributeKey

    span = mlflow.get_current_active_span()
    if span is not None and span.span_type == SpanType.LLM:
        span.set_attribute(SpanAttributeKey.MESSAGE_FORMAT, "openai")


PATCH = Patch(
    name="autogen.chat_format",
    symptom=(
        "in MLflow's UI an AutoGen completion after a tool call shows no conversation, a reply with"
        " tool calls is an empty message, images and thoughts are missing; tools and the"
        " cancellation token are stored as the repr of an object"
    ),
    upstream=(
        "mlflow.autogen._convert_value_to_dict, and the UI's parser of the format `autogen`, which"
        " knows only SystemMessage, UserMessage, AssistantMessage and FunctionMessage"
    ),
    versions={"mlflow": ">=3.17,<3.19", "autogen-core": ">=0.7,<0.8"},
    delete_when="MLflow's UI renders a FunctionExecutionResultMessage and a list of FunctionCalls",
    canary="tests/patches/autogen/test_chat_format_in_ui.py"
    "::test_upstream_mlflow_renders_a_tool_call_and_its_result",
    apply=_apply,
    wraps={
        "mlflow.autogen:construct_full_inputs": "func, args, kwargs",
        "mlflow.autogen:_convert_value_to_dict": "value",
    },
)
