"""Read traces from a file: this project's, MLflow's, OTLP JSON, or a log of a conversation.

Files of other kinds are named in the error, so that a person sees which file it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from instrumentation.trace.canonical_json import trace_from_json
from instrumentation.trace.conversations import build_trace, read_conversations
from instrumentation.trace.formats.foreign_spans import (
    convert_mlflow2_span,
    convert_otlp,
    convert_otlp_span,
)
from instrumentation.trace.formats.json_documents import READABLE_FORMATS, parse_json, read_json
from instrumentation.trace.session import RUN_TAG, SESSION_KEY
from instrumentation.trace.span_tree import UNREADABLE_TRACE_ERRORS, TraceNotFoundError
from instrumentation.trace.trace import Trace, trace_from_mlflow
from instrumentation.trace.wording import describe_value

OTHER_FILES: Mapping[str, tuple[str, ...]] = {
    "an aimock fixture, which has replies and no spans": ("fixtures",),
    "a vcrpy cassette, which has HTTP exchanges and no spans": ("interactions",),
    "a tape, which has replies and no spans; `serve` replays it": ("lane",),
    "a HAR file, which has HTTP exchanges and no spans": ("log",),
    "OTLP logs, not traces": ("resourceLogs",),
    "OTLP metrics, not traces": ("resourceMetrics",),
    "an export of Jaeger": ("traceID",),
    "an export of Zipkin": ("traceId", "localEndpoint"),
    "an export of LangSmith": ("run_type",),
    "an export of Langfuse": ("observations",),
    "the output of OpenTelemetry's console exporter": ("context", "start_time", "kind"),
    "the JSON that `run` or `check` prints": ("scenario", "variants"),
    "the output of `search`, which has no spans; pass one trace_id to --trace": (
        "filter_string",
        "traces",
    ),
    "a completion of a model": ("choices",),
}
"""Descriptions of files that are mistaken for traces, by the keys that they have."""


def load_traces(path: Path) -> tuple[Trace, ...]:
    """Read the traces of a file, one `Trace` per run or session.

    Traces that belong to one run of `record_run`, or to one session, become one `Trace`.

    Raises:
        TraceNotFoundError: The file cannot be read, has no traces, or is of another kind.
    """
    try:
        documents = read_json(path)
        if isinstance(documents[0], Mapping) and {"format", "roots"} <= documents[0].keys():
            return (trace_from_json(documents[0], str(path)),)
        exported = list(_iter_exported(documents))
        if not exported:
            if conversations := read_conversations(documents):
                return tuple(map(build_trace, conversations))
            raise TraceNotFoundError(f"it is {_describe(documents)}; expected {READABLE_FORMATS}")
        return tuple(trace_from_mlflow(traces) for traces in _group_by_run(exported))
    except TraceNotFoundError as error:
        raise TraceNotFoundError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    except (OSError, *UNREADABLE_TRACE_ERRORS) as error:
        raise TraceNotFoundError(
            f"{path}: its spans are not as exported ({type(error).__name__}: {error});"
            f" expected {READABLE_FORMATS}"
        ) from error


def _iter_exported(documents: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The traces in documents of any readable format, as MLflow 3 exports them."""
    requests = [one for one in documents if isinstance(one, Mapping) and _is_otlp(one)]
    yield from convert_otlp(requests)
    for document in documents:
        if isinstance(document, str) and document[:1] == "{":  # a trace in a column of a table
            document = parse_json(document)
        if isinstance(document, list):
            yield from _iter_exported(document)
        elif isinstance(document, Mapping) and not _is_otlp(document):
            yield from _iter_exported_in(document)


def _iter_exported_in(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    spans = _spans_of(document)
    if spans:
        info = document.get("info") or document.get("trace_info") or document.get("traceInfo")
        yield {"info": _convert_info(info or document), "data": {"spans": spans}}
        return
    for name in ("traces", "trace"):
        if inner := document.get(name):
            yield from _iter_exported([inner])
            return


def _spans_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The spans of a trace of MLflow; empty if it has none."""
    data = document.get("data")
    spans = data.get("spans") if isinstance(data, Mapping) else document.get("spans")
    if not isinstance(spans, list):
        return []
    return [_convert_span(span) for span in spans if isinstance(span, Mapping)]


def _convert_span(span: Mapping[str, Any]) -> dict[str, Any]:
    if "context" in span:
        return convert_mlflow2_span(span)
    if isinstance(span.get("attributes"), list):
        return convert_otlp_span(span)
    return dict(span)


def _convert_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """The info of a trace; MLflow 2 and MLflow's server have other names for some fields."""
    if not isinstance(info, Mapping):
        raise TraceNotFoundError(f'"info" of a trace is {describe_value(info)}; expected an object')
    id = info.get("trace_id") or info.get("traceId") or info.get("request_id") or ""
    metadata = info.get("trace_metadata") or info.get("request_metadata") or {}
    tags = info.get("tags") or {}
    return {
        **info,
        "trace_id": str(id),
        "trace_metadata": _to_texts("metadata", metadata),
        "tags": _to_texts("tags", tags),
    }


def _to_texts(name: str, pairs: Any) -> dict[str, str]:
    """Texts by key; MLflow 2 also lists them as pairs of key and value."""
    if isinstance(pairs, list) and all(
        isinstance(pair, Mapping) and "key" in pair for pair in pairs
    ):
        pairs = {pair["key"]: pair.get("value") for pair in pairs}
    if not isinstance(pairs, Mapping):
        raise TraceNotFoundError(
            f"the {name} of a trace are {describe_value(pairs)}; expected an object, or a list of"
            ' {"key": …, "value": …}'
        )
    return {str(key): str(value) for key, value in pairs.items() if value is not None}


def _is_otlp(document: Mapping[str, Any]) -> bool:
    return "resourceSpans" in document or "resource_spans" in document


def _group_by_run(exported: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Put the turns of one session, and the traces of one run, together."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for position, trace in enumerate(exported):
        info = trace["info"]
        session = info["trace_metadata"].get(SESSION_KEY)
        run = info.get("tags", {}).get(RUN_TAG)
        groups.setdefault(session or run or position, []).append(trace)
    yield from groups.values()


def _describe(documents: Sequence[Any]) -> str:
    """Which kind of file it probably is, by its keys."""
    first = documents[0]
    while isinstance(first, list) and first:
        first = first[0]
    if isinstance(first, Mapping) and isinstance(jaeger := first.get("data"), list) and jaeger:
        first = jaeger[0]
    if not isinstance(first, Mapping):
        return "JSON without any trace"
    for description, keys in OTHER_FILES.items():
        if all(key in first for key in keys):
            return description
    found = ", ".join(map(repr, list(first)[:5])) or "none"
    if "spans" in first or "data" in first or "traces" in first or "format" in first:
        return f"a trace without any spans, or of an unknown format (its keys: {found})"
    return f"JSON without any trace (its keys: {found})"
