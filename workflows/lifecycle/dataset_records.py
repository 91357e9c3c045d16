"""A record of an evaluation dataset: merge equal inputs, convert to and from MLflow's records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from mlflow.genai.datasets import EvaluationDataset

IDS_TAG, COMMENTS_TAG = "trace_ids", "comments"


@dataclass(frozen=True)
class Record:
    """A task: its inputs, its labels, and the low-rated runs that it comes from."""

    inputs: Mapping[str, Any]
    labels: Mapping[str, Any]
    trace_ids: tuple[str, ...]
    comments: tuple[str, ...] = ()

    def extend(self, newer: "Record") -> "Record":
        """Add the runs of a record with an equal input. Its labels win."""
        return Record(
            self.inputs,
            {**self.labels, **newer.labels},
            tuple(dict.fromkeys(self.trace_ids + newer.trace_ids)),
            tuple(dict.fromkeys(self.comments + newer.comments)),
        )


def to_key(value: Any) -> str:
    """What equal inputs have in common: their JSON, with the texts normalised."""
    return json.dumps(_normalize(value), sort_keys=True)


def _normalize(value: Any) -> Any:
    match value:
        case str():
            return " ".join(normalize("NFKC", value).casefold().split()).rstrip(" .!?")
        case Mapping():
            return {str(key): _normalize(one) for key, one in value.items()}
        case list():
            return [_normalize(one) for one in value]
    return value


def to_mlflow_record(record: Record) -> dict[str, Any]:
    return {
        "inputs": dict(record.inputs),
        "expectations": dict(record.labels),
        "tags": {
            IDS_TAG: " ".join(record.trace_ids),
            COMMENTS_TAG: json.dumps(record.comments, ensure_ascii=False),
        },
        "source": {"source_type": "TRACE", "source_data": {"trace_id": record.trace_ids[0]}},
    }


def read_records(dataset: EvaluationDataset) -> list[Record]:
    """The records of a dataset, of which a person may have added some by hand."""
    return [
        Record(
            row["inputs"],
            row["expectations"] or {},
            tuple((row["tags"] or {}).get(IDS_TAG, "").split()),
            tuple(json.loads((row["tags"] or {}).get(COMMENTS_TAG, "[]"))),
        )
        for row in dataset.to_df().to_dict("records")
    ]
