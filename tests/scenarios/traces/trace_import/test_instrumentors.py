"""Traces of any instrumentor become tapes that answer the requests that were really sent."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from instrumentation.trace import Trace
from instrumentation.trace.trace_file import load_traces
from integrations.cases.all_cases import all_cases
from integrations.environments.build import find_environment
from integrations.runner.case_run import CaseRun, run_cases_in_child
from scenarios.replay.exchange.answer import build_answer
from scenarios.replay.selection.line_selector import LineSelector
from scenarios.tape.lanes.lane_recognition import LaneRecognition
from scenarios.tape.requests.request import Request
from scenarios.tape.tape import Tape
from scenarios.traces.trace_import.traced_tape import import_trace
from tests.support.forks.forking_python import forking_python

pytestmark = pytest.mark.long

LOST_REPLIES = {("plain autolog", "streamed_tool_calls")}
"""MLflow's own autolog stores no tool calls of a stream."""
CASES = {
    "openai": ("tool_calls", "streamed_tool_calls", "responses_tool_calls"),
    "autogen": ("reflect_on", "parallel_tools", "graphflow_run", "swarm", "selector"),
    "crewai": ("sequential",),
}
"""Parallel tools, agents that hand over, prompts without a system message, the Responses API."""


def to_otlp(spans: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Spans as an OTLP exporter writes them in JSON."""
    converted = [
        {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": span["span_id"],
            "parentSpanId": span.get("parent_span_id") or "",
            "name": span["name"],
            "startTimeUnixNano": str(span["start_time_unix_nano"]),
            "endTimeUnixNano": str(span["end_time_unix_nano"]),
            "status": {"code": 2 if "ERROR" in span["status"]["code"] else 1},
            "attributes": [
                {
                    "key": key,
                    "value": {
                        "stringValue": value if isinstance(value, str) else json.dumps(value)
                    },
                }
                for key, value in span["attributes"].items()
            ],
        }
        for span in spans
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": converted}]}]}


def exported_trace(run: CaseRun, path: Path) -> Trace:
    """The trace of a case, written to a file and read back, as a stranger's export is."""
    exported: Any = to_otlp(run.spans) if run.spans else list(run.traces)
    path.write_text(json.dumps(exported))
    return Trace(tuple(root for trace in load_traces(path) for root in trace.roots))


def find_unanswered(run: CaseRun, tape: Tape) -> list[str]:
    """What strict replay refuses, or answers otherwise, of the requests that were really sent."""
    selector, found = LineSelector(tape, strict=True), []
    lanes = LaneRecognition(tape.lines, tape.header)
    for sent in run.exchanges:
        if not sent.delivered:
            continue
        lane = sent.lane if sent.lane in tape.lanes else lanes.recognize(sent.request)
        request = Request(lane or sent.lane, "POST", sent.path, "", sent.request)
        answer = build_answer(request, selector.select(request, 1))
        if answer.reply != sent.reply:
            found.append(f"{sent.lane}, call {sent.call}: {answer.reply} in place of {sent.reply}")
    return found + [f"unplayed: {line}" for line in selector.unplayed_lines]


def check_imports(instrumentor: str, framework: str, python: Path, folder: Path) -> None:
    cases = [case for case in all_cases(framework) if case.name in CASES[framework]]
    assert len(cases) == len(CASES[framework])
    for run in run_cases_in_child(python, instrumentor, cases):
        assert not run.problem
        imported = import_trace(exported_trace(run, folder / f"{run.case.name}.json"))
        if (instrumentor, run.case.name) in LOST_REPLIES:
            assert "reply" in {gap.missing for gap in imported.gaps}
            continue
        assert imported.is_complete, (run.case.name, imported.gaps)
        assert find_unanswered(run, Tape.parse(imported.content)) == [], run.case.name


@pytest.mark.parametrize(
    ("instrumentor", "framework"),
    [
        ("ours", "openai"),
        ("ours", "autogen"),
        ("ours", "crewai"),
        ("plain autolog", "openai"),
        ("plain autolog", "autogen"),
    ],
)
def test_traces_of_mlflow_replay(instrumentor: str, framework: str, tmp_path: Path) -> None:
    check_imports(instrumentor, framework, Path(forking_python()), tmp_path)


@pytest.mark.openinference
@pytest.mark.parametrize("framework", ["openai", "autogen"])
def test_traces_of_openinference_replay(framework: str, tmp_path: Path) -> None:
    check_imports("OpenInference", framework, find_environment("openinference").python, tmp_path)
