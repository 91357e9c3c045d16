"""Logs of conversations become traces: agents, tools, code, handoffs; labels stay apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrumentation.diagnosis import diagnose
from instrumentation.diagnosis.suspicion import rank_suspects
from instrumentation.trace import Trace, TraceNotFoundError
from instrumentation.trace.canonical_json import dump_trace
from instrumentation.trace.conversations import STEP_ATTRIBUTE, build_trace, read_conversations
from instrumentation.trace.outline import render_outline
from instrumentation.trace.trace_file import load_traces
from tests.support.conversation_logs import REASON, group_chat, orchestrated, tool_calls


def load(folder: Path, document: Any) -> Trace:
    file = folder / "log.json"
    file.write_text(json.dumps(document), "utf-8")
    (trace,) = load_traces(file)
    return trace


def test_a_group_chat_has_a_turn_per_message_and_code_runs_inside_the_turn_that_wrote_it(
    tmp_path: Path,
) -> None:
    trace = load(tmp_path, group_chat())
    assert render_outline(trace) == (
        "conversation  [CHAIN OK]\n"
        "  Planner  [AGENT OK]\n"
        "  Analyst  [AGENT OK]\n"
        "    Terminal  [TOOL ERROR]  (print(len(open('survey.csv').readlines())))"
        "  ! FileNotFoundError: survey.csv\n"
        "  Planner  [AGENT OK]\n"
        "  Analyst  [AGENT OK]\n"
    )
    assert trace.root.inputs == {"task": "How many wells does the survey list?"}
    assert trace.root.outputs == "The survey lists 212 wells."
    assert [span.attributes.get(STEP_ATTRIBUTE) for span in trace] == [None, 0, 1, 2, 3, 4]


def test_notes_in_a_role_name_the_agent_and_the_handoff(tmp_path: Path) -> None:
    trace = load(tmp_path, orchestrated())
    assert trace.agents == ("Lead", "WebReader", "Writer")
    (first,) = trace.handoffs("Lead", "WebReader")
    assert first.inputs == {"sent": "Read the timetable of the ferry."}
    assert len(trace.handoffs("Lead", "Writer")) == 1
    assert trace.turns("WebReader")[0].inputs == "Read the timetable of the ferry."


def test_a_turn_lasts_until_the_agent_calls_no_more_tools(tmp_path: Path) -> None:
    trace = load(tmp_path, tool_calls())
    assert render_outline(trace) == (
        "conversation  [CHAIN OK]\n"
        "  system  [UNKNOWN OK]\n"
        "  user  [UNKNOWN OK]\n"
        "  assistant  [AGENT OK]\n"
        "    chat_completion  [LLM OK]\n"
        "    find_parcel  [TOOL OK]  (P-3)\n"
        "    chat_completion  [LLM OK]\n"
        "  user  [UNKNOWN OK]\n"
    )
    assert trace.root.inputs["messages"] == ["Thanks."]
    assert [span.attributes.get(STEP_ATTRIBUTE) for span in trace] == [None, 1, 2, 5, 3, 4, 5, 6]


@pytest.mark.parametrize("form", ["list", "lines", "normalized", "messages", "several"])
def test_other_forms_of_a_log_read_the_same(form: str, tmp_path: Path) -> None:
    messages = [{**one, "index": at} for at, one in enumerate(orchestrated()["history"])]
    steps = [{"index": one["index"], "substeps": [{**one, "sub_index": 1}]} for one in messages]
    text = {
        "list": json.dumps(messages),
        "lines": "\n".join(map(json.dumps, messages)),
        "normalized": json.dumps({"trajectory_id": "a", "steps": steps}),
        "messages": json.dumps({"messages": messages}),
        "several": json.dumps([{"task_id": 1, "traj": messages}]),
    }[form]
    (tmp_path / "log.jsonl").write_text(text, "utf-8")
    (trace,) = load_traces(tmp_path / "log.jsonl")
    assert render_outline(trace) == render_outline(load(tmp_path, orchestrated()))


@pytest.mark.parametrize("log", [group_chat(), tool_calls(reward=1.0)], ids=["chat", "tools"])
def test_no_label_reaches_the_trace(log: dict[str, Any]) -> None:
    (conversation,) = read_conversations([log])
    text = dump_trace(build_trace(conversation))
    for secret in (REASON, "4711", "secret_action", "mistake", "reward", "is_correct"):
        assert secret not in text


def test_a_call_without_a_result_stays_in_the_trace(tmp_path: Path) -> None:
    log = tool_calls()
    del log["traj"][3]
    (call,) = load(tmp_path, log).spans_of_type("TOOL")
    assert (call.name, call.status, call.outputs) == ("find_parcel", "UNSET", None)


def test_an_error_that_nobody_mentions_is_found_in_a_log(tmp_path: Path) -> None:
    (finding,) = diagnose(load(tmp_path, group_chat())).findings
    assert (finding.mode, finding.agent) == ("swallowed tool error", "Analyst")


def test_a_package_that_is_pending_is_no_unfinished_work(tmp_path: Path) -> None:
    log = tool_calls()
    package = {f"field {number}": number for number in range(20)} | {"status": "pending"}
    log["traj"][3]["content"] = json.dumps(package)
    assert diagnose(load(tmp_path, log)).findings == ()
    log["traj"][3]["content"] = '{"status": "pending"}'
    assert diagnose(load(tmp_path, log)).findings[0].mode == "silent stall"


def test_a_customer_may_state_figures_that_no_tool_returned(tmp_path: Path) -> None:
    log = tool_calls()
    log["traj"][5]["content"] = "Send it to 641 Elm Street."
    log["traj"].append({"index": 7, "role": "assistant", "content": "I send it to 641 Elm Street."})
    assert diagnose(load(tmp_path, log)).findings == ()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"history": [{"role": "A", "content": "x"}, 3]}, "history[1]: 3 is not a message"),
        ({"history": [{"role": "A", "content": 5}]}, "history[0].content: 5 is no text"),
        ({"traj": [{"role": " ", "content": "x"}]}, "traj[0]: the message names no speaker"),
        ([{"role": "user", "content": "x"}], "message: no message is an agent's"),
        ([{"traj": [{"role": "A", "content": {}}]}], "[0].traj[0].content: {} is no text"),
    ],
)
def test_a_message_that_cannot_be_read_is_named_with_its_place(
    document: Any, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(TraceNotFoundError, match=r"log\.json: ") as error:
        load(tmp_path, document)
    assert sentence in str(error.value)
    assert "expected" in str(error.value)


TEXTS = st.sampled_from(
    ["", "exitcode: 1", "exitcode: x", "Next speaker B", "```python\n1\n```", "\x00\ud800"]
) | st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "tool", "A", "B (-> A)", "system", "(", ""]) | VALUES},
    optional={
        "content": TEXTS | VALUES,
        "name": TEXTS | VALUES,
        "index": VALUES,
        "tool_calls": VALUES
        | st.lists(st.fixed_dictionaries({"id": VALUES, "function": VALUES}), max_size=2),
        "tool_call_id": VALUES,
    },
)
LOGS = st.fixed_dictionaries(
    {"history": st.lists(MESSAGES | VALUES, max_size=6)},
    optional={"question": VALUES, "steps": VALUES, "traj": VALUES, "trajectory_id": VALUES},
)


@pytest.mark.long
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(LOGS | st.lists(LOGS, max_size=2))
def test_a_hostile_log_is_read_or_refused_with_its_place(document: Any) -> None:
    for trace in read_or_refuse(document):
        render_outline(trace)
        diagnose(trace)
        rank_suspects(trace)


def read_or_refuse(document: Any) -> list[Trace]:
    """The traces of a log; none if it is refused with a sentence."""
    try:
        return [build_trace(one) for one in read_conversations([document])]
    except TraceNotFoundError as error:
        if "expected" in str(error):
            return []
        raise
