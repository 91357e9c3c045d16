"""Report the origin of a trace: its commit, prompts, model and parameters, and their release."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_GIT_BRANCH, MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME

from instrumentation.trace import Trace, TraceNotFoundError, trace_from_mlflow
from instrumentation.trace.store_search import search_store

LINKED_PROMPTS_TAG = "mlflow.linkedPrompts"
MODEL_ID_KEY = "mlflow.modelId"
RELEASED_VERSION_ATTRIBUTE = "flight_recorder.prompt.released_version"
CONTENT_KEYS = frozenset({"messages", "input", "tools", "stream", "stream_options"})
"""Keys of a request that are no parameters."""


@dataclass(frozen=True)
class UsedPrompt:
    """A version of a prompt that a run loaded.

    Attributes:
        template: Its text; None if the version was deleted since.
        aliases: The aliases that name this version now.
        released: The version that was released last when the run loaded this one, if recorded.
    """

    name: str
    version: int
    template: str | None = None
    aliases: tuple[str, ...] = ()
    released: int | None = None

    def __str__(self) -> str:
        names = f" ({', '.join(self.aliases)})" if self.aliases else ""
        gone = "; this version was deleted" if self.template is None else ""
        old = f"; version {self.released} was released" if self.is_not_released else ""
        return f"{self.name}, version {self.version}{names}{old}{gone}"

    @property
    def is_not_released(self) -> bool:
        """Whether another version had been released when this one was loaded."""
        return self.released not in (None, self.version)


@dataclass(frozen=True)
class Provenance:
    """What produced a trace. Empty texts and None are unknown: the trace does not say.

    Attributes:
        requests: The parameters of completions, by model, without messages and tools.
        release: The name of the `LoggedModel` that was active.
        parameters: Its parameters.
    """

    trace_id: str
    commit: str
    branch: str
    program: str
    prompts: tuple[UsedPrompt, ...]
    requests: Mapping[str, Mapping[str, Any]]
    release: str
    parameters: Mapping[str, str]

    def describe(self) -> Iterator[str]:
        yield f"{self.trace_id} was produced by"
        branch = f" on {self.branch}" if self.branch else ""
        yield f"  commit      {f'{self.commit}{branch}' if self.commit else 'unknown'}"
        yield f"  program     {self.program or 'unknown'}"
        for prompt in self.prompts or ("none of the registry",):
            yield f"  prompt      {prompt}"
        for model, parameters in self.requests.items():
            listed = ", ".join(f"{name}={value}" for name, value in parameters.items())
            yield f"  model       {model}{f' with {listed}' if listed else ''}"
        yield f"  release     {self.release or 'none: no model was active'}"
        yield from (f"    {name} = {value}" for name, value in self.parameters.items())

    def to_json(self) -> dict[str, Any]:
        prompts = [vars(one) | {"aliases": list(one.aliases)} for one in self.prompts]
        requests = {model: dict(parameters) for model, parameters in self.requests.items()}
        others = {"prompts": prompts, "requests": requests, "parameters": dict(self.parameters)}
        return vars(self) | others


def read_provenance(trace_id: str, store: str) -> Provenance:
    """Read what produced a trace.

    Example:
        for line in read_provenance("tr-…", "sqlite:///mlflow.db").describe():
            print(line)

    Raises:
        TraceNotFoundError: The store has no such trace, or it has no spans.
    """
    client = MlflowClient(store)
    found = list(search_store(client, [f"trace.request_id = '{trace_id}'"]))
    if not found:
        raise TraceNotFoundError(f"the store has no trace {trace_id!r}")
    info, trace = found[0].info, trace_from_mlflow([found[0].to_dict()])
    names, tags = info.trace_metadata, info.tags
    model = _find_model(client, names.get(MODEL_ID_KEY, ""))
    return Provenance(
        trace_id,
        names.get(MLFLOW_GIT_COMMIT, ""),
        names.get(MLFLOW_GIT_BRANCH, ""),
        names.get(MLFLOW_SOURCE_NAME, ""),
        tuple(_read_prompts(client, tags.get(LINKED_PROMPTS_TAG, "[]"), trace)),
        _read_requests(trace),
        model.name if model else "",
        model.params if model else {},
    )


def _find_model(client: MlflowClient, model_id: str) -> Any:
    """The `LoggedModel` of a trace; None if there was none, or if it was deleted."""
    try:
        return client.get_logged_model(model_id) if model_id else None
    except MlflowException:
        return None


def _read_prompts(client: MlflowClient, linked: str, trace: Trace) -> Iterator[UsedPrompt]:
    loads = [span for span in trace if RELEASED_VERSION_ATTRIBUTE in span.attributes]
    released = {
        (
            span.attributes.get("flight_recorder.prompt.name"),
            span.attributes.get("flight_recorder.prompt.version"),
        ): int(span.attributes[RELEASED_VERSION_ATTRIBUTE])
        for span in loads
    }
    for one in json.loads(linked):
        name, version = one["name"], int(one["version"])
        try:
            found = client.get_prompt_version(name, str(version))
        except MlflowException:
            found = None
        template = str(found.template) if found else None
        aliases = tuple(sorted(found.aliases)) if found else ()
        yield UsedPrompt(name, version, template, aliases, released.get((name, version)))


def _read_requests(trace: Trace) -> dict[str, dict[str, Any]]:
    """The parameters of the completions by model; of several, the last one's."""
    requests: dict[str, dict[str, Any]] = {}
    for span in trace.spans_of_type("LLM"):
        request = span.inputs if isinstance(span.inputs, dict) else {}
        model = request.get("model") or span.attributes.get("gen_ai.request.model") or "unknown"
        requests[str(model)] = {
            name: value
            for name, value in request.items()
            if name not in CONTENT_KEYS | {"model"} and value is not None
        }
    return requests
