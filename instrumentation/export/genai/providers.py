"""Find the `gen_ai.provider.name` of a completion: which provider's API its client speaks."""

from collections.abc import Mapping
from typing import Any

PROVIDERS = (
    ("azure_ai", "azure.ai.inference"),
    ("azureai", "azure.ai.inference"),
    ("azure", "azure.ai.openai"),
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("bedrock", "aws.bedrock"),
    ("vertex", "gcp.vertex_ai"),
    ("gemini", "gcp.gemini"),
    ("google", "gcp.gen_ai"),
    ("groq", "groq"),
    ("mistral", "mistral_ai"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("perplexity", "perplexity"),
    ("watsonx", "ibm.watsonx.ai"),
    ("xai", "x_ai"),
    ("moonshot", "moonshot_ai"),
    ("openai", "openai"),
)
"""A part of a provider's, a client's or a format's name, and the value; the first that fits."""
NAMES = {name for _, name in PROVIDERS}


def find_provider(attributes: Mapping[str, Any]) -> str:
    """Return the provider by the best evidence; "openai" for clients that name none.

    The convention requires the attribute. Nearly all other endpoints offer OpenAI's API.
    """
    named = attributes.get("mlflow.llm.provider")
    if isinstance(named, str) and named:
        return named if named in NAMES else _match(named) or named
    client = str(attributes.get("flight_recorder.client") or "").partition(".")[0]
    route = str(attributes.get("mlflow.llm.model") or "").rpartition("/")[0]
    message_format = str(attributes.get("mlflow.message.format") or "")
    return _match(client) or _match(route) or _match(message_format) or "openai"


def _match(text: str) -> str | None:
    lowered = text.lower()
    return next((name for part, name in PROVIDERS if part in lowered), None)
