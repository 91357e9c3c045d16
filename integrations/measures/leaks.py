"""A leak: a record of something that no model was ever sent, such as a key or a credential."""

import json

from integrations.programs.case_context import API_KEY, CREDENTIAL
from integrations.runner.case_run import Flight


def leaks(flight: Flight) -> int:
    """How many spans, and traces' own records, hold one."""
    spans = [span for trace in flight.traces for span in trace["data"]["spans"]]
    infos = [trace["info"] for trace in flight.traces]
    kept = (json.dumps(one, default=str) for one in (*spans, *flight.spans, *infos))
    return sum(API_KEY in text or CREDENTIAL in text for text in kept)
