"""Known gaps of MLflow's autologging of the `openai` package."""

from integrations.gaps.gap import EVERY_CASE, Gap
from integrations.instrumentors.registry import PLAIN_AUTOLOG

AUTOLOG = "mlflow.openai.autolog (mlflow/openai/autolog.py)"
STREAMED_CALLS_UPSTREAM = (
    "https://github.com/mlflow/mlflow/issues/16075"
    " (mlflow.openai.autolog._reconstruct_completion_from_stream, which joins the contents only)"
)

OPENAI_AUTOLOG_GAPS = (
    Gap(
        "openai_stream_ends_early",
        symptom="a stream that ends too soon is recorded as a success",
        upstream=f"{AUTOLOG}, which does not check the finish reason",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses={"completions": ("stream_ends_early",), "errors": ("stream_ends_early",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_stream_breaks",
        symptom="a stream that breaks has no trace",
        upstream=f"{AUTOLOG}, which ended a stream's span only at its last chunk",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": "<3.11"},
        misses={"errors": ("stream_breaks",), "prompts": ("stream_breaks",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_streamed_calls",
        symptom="only the text of a streamed reply is recorded, not its tool calls",
        upstream=STREAMED_CALLS_UPSTREAM,
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses={"replies": ("streamed_tool_calls",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_retries",
        symptom="an attempt that failed before a retry is not recorded",
        upstream=f"{AUTOLOG}: the client retries within one call",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("retried",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_cancelled",
        symptom="a cancelled completion has no trace",
        upstream=f"{AUTOLOG} (`except Exception`)",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("cancelled",), "prompts": ("cancelled",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_headers",
        symptom="a credential in a request header is recorded in the span's inputs",
        upstream=f"{AUTOLOG}, which dumps `extra_headers` with the arguments",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": ">=3.1"},
        misses={"leaks": ("own_headers",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_unpriced",
        symptom="no span has a cost",
        upstream="MLflow before 3.11, which computes no costs",
        framework="openai",
        instrumentors=(PLAIN_AUTOLOG,),
        versions={"mlflow": "<3.11"},
        misses={"costs": EVERY_CASE},
    ),
)
