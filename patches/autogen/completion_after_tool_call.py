"""Keep the completion after a tool call readable: MLflow 3.1 fails on AutoGen's tool results."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from patches.autogen.openai_format import to_openai_messages
from patches.patch import Patch
from patches.support.call_wrapping import replace_for_block


def _apply() -> AbstractContextManager[None]:
    import mlflow.autogen as autolog
    from mlflow.tracing import set_span_chat_messages

    @wraps(autolog.log_chat_messages)
    def log_chat_messages(span: Any, messages: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        set_span_chat_messages(span, to_openai_messages(messages))

    return replace_for_block(autolog, log_chat_messages=log_chat_messages)


PATCH = Patch(
    name="autogen.completion_after_tool_call",
    symptom=(
        "the LLM span after a tool call is ERROR, without outputs and tokens, in a trace with the"
        " status OK: MLflow passes a dumped FunctionExecutionResultMessage to ChatMessage.content,"
        " which takes a string or a list"
    ),
    upstream="https://github.com/mlflow/mlflow/pull/16762, which removes the attribute",
    versions={"mlflow": ">=3.1.0,<3.2", "autogen-core": ">=0.4.8,<0.8"},
    fixed_in={"mlflow": ">=3.2"},
    delete_when="the suite no longer supports mlflow < 3.2",
    canary="tests/patches/autogen/test_completion_after_tool_call_on_mlflow_3_1.py"
    "::test_upstream_mlflow_records_the_completion_after_a_tool_call",
    apply=_apply,
    wraps={
        "mlflow.autogen:log_chat_messages": "span, messages",
        "mlflow.tracing:set_span_chat_messages": "span, messages",
    },
)
