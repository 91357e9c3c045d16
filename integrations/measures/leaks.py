"""A leak: a record of something that no model was ever sent, such as a key or a credential."""

import json

from integrations.programs.case_context import API_KEY, TOOL_CREDENTIAL
from integrations.runner.case_run import CaseRun


def count_leaks(run: CaseRun) -> int:
    """How many spans, and traces' own records, hold one."""
    spans = [span for trace in run.traces for span in trace["data"]["spans"]]
    infos = [trace["info"] for trace in run.traces]
    kept = (json.dumps(one, default=str) for one in (*spans, *run.spans, *infos))
    return sum(API_KEY in text or TOOL_CREDENTIAL in text for text in kept)
