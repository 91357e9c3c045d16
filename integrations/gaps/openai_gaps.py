"""The known gaps of the instrumentors of the `openai` package, used by a program itself."""

from integrations.gaps.gap import EVERY_CASE, Gap
from integrations.instrumentors.names import PLAIN_AUTOLOG

AUTOLOG = "mlflow.openai.autolog (mlflow/openai/autolog.py)"
STREAMED_CALLS_UPSTREAM = (
    "https://github.com/mlflow/mlflow/issues/16075"
    " (mlflow.openai.autolog._reconstruct_completion_from_stream, which joins the content alone)"
)

OPENAI_GAPS = (
    Gap(
        "openai_stream_ends_early",
        symptom="a stream that ends too soon is told to have gone well",
        upstream=f"{AUTOLOG}, which looks for no finish reason",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses={"completions": ("stream_ends_early",), "errors": ("stream_ends_early",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_stream_breaks",
        symptom="a stream that breaks leaves no trace",
        upstream=f"{AUTOLOG}, which ended the span of a stream with its last chunk alone",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": "<3.11"},
        misses={"errors": ("stream_breaks",), "prompts": ("stream_breaks",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_streamed_calls",
        symptom="of a streamed reply its text is told alone, and not the tool calls in it",
        upstream=STREAMED_CALLS_UPSTREAM,
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses={"replies": ("streamed_tool_calls",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_retries",
        symptom="an attempt that failed before the client asked again is told nowhere",
        upstream=f"{AUTOLOG}: the client retries within one call",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("retried",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_cancelled",
        symptom="a completion that is cancelled leaves no trace",
        upstream=f"{AUTOLOG} (`except Exception`)",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses={"errors": ("cancelled",), "prompts": ("cancelled",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_headers",
        symptom="a credential in a header of a request stands in the span's inputs",
        upstream=f"{AUTOLOG}, which dumps `extra_headers` with the arguments",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": ">=3.1"},
        misses={"leaks": ("own_headers",)},
        patch="openai.completion_spans",
    ),
    Gap(
        "openai_unpriced",
        symptom="no span has a cost",
        upstream="MLflow before 3.11, which computes none",
        framework="openai",
        instrumentors=PLAIN_AUTOLOG,
        versions={"mlflow": "<3.11"},
        misses={"costs": EVERY_CASE},
    ),
)
