"""`diff`: the first divergence of two runs, for people and for programs."""

import json
import re
from pathlib import Path

import mlflow
import orjson
import pytest
from rich.console import Console

from instrumentation import enable_tracing, record_run
from scenarios.player.scenario_loader import scenario_folder
from scenarios.traces.divergence.divergence_report import render_comparison
from scenarios.traces.divergence.first_divergence import compare_runs
from scenarios.traces.divergence.run_sources import load_runs
from tests.support.cli_runner import run_command
from tests.support.tapes import recorded_line, reply_line


def recorded(scenario: str, variant: str) -> str:
    return str(scenario_folder(scenario).recorded_trace(variant))


def write_tape(path: Path, *lines: dict[str, object]) -> str:
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return str(path)


def asks(lane: str, text: str, answer: str, *earlier: dict[str, str]) -> dict[str, object]:
    """A recorded line of one agent that asks `text` and gets `answer`."""
    body = {"messages": [*earlier, {"role": "user", "content": text}]}
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}}
    response = {"status": 200, "body": {"id": "x", "model": "m", "choices": [choice]}}
    return recorded_line(body, lane=lane, response=response)


def test_two_traces_part_where_a_message_was_lost() -> None:
    broken = recorded("summarizer_never_sees_the_draft", "broken")
    fixed = recorded("summarizer_never_sees_the_draft", "fixed")
    ended = run_command("", "diff", fixed, broken)
    assert ended.exit_code == 1
    assert "First divergence: summarizer, call 1: the request differs." in ended.stdout
    assert re.search(
        r"message \d+ \(user generator\) was dropped .*, which has the reply of generator, call 2:",
        ended.stdout,
    )
    assert "[-Mars Climate Orbiter was lost" in ended.stdout


def test_a_truncated_message_names_the_reply_that_is_missing() -> None:
    ended = run_command(
        "",
        "diff",
        "--json",
        recorded("context_is_not_passed", "fixed"),
        recorded("context_is_not_passed", "broken"),
    )
    first = json.loads(ended.stdout)["first"]
    assert (first["kind"], first["agent"]) == ("request", "synthesist")
    (change,) = first["messages"]
    assert (change["change"], change["reply_of"]) == ("truncated", "specialist, call 3")
    assert change["b"] in change["a"]


def test_equal_runs_are_the_same() -> None:
    path = recorded("review_goes_well", "twin")
    ended = run_command("", "diff", path, path)
    assert (ended.exit_code, "The runs are the same" in ended.stdout) == (0, True)


def test_another_reply_to_the_same_request_is_the_origin_of_later_requests(tmp_path: Path) -> None:
    a = write_tape(
        tmp_path / "a.jsonl", asks("one", "Which?", "red"), asks("two", "It is red.", "good")
    )
    b = write_tape(
        tmp_path / "b.jsonl", asks("one", "Which?", "blue"), asks("two", "It is blue.", "good")
    )
    ended = run_command("", "diff", a, b)
    assert "First divergence: one, call 1: the same request, another reply." in ended.stdout
    assert "[-red-]{+blue+}" in ended.stdout
    assert "Later, 1 more call differs:\n  two, call 1: another request" in ended.stdout


def test_the_order_of_parallel_agents_is_no_divergence(tmp_path: Path) -> None:
    lines = [asks("one", "A?", "a"), asks("two", "B?", "b"), asks("one", "C?", "c")]
    a = write_tape(tmp_path / "a.jsonl", *lines)
    b = write_tape(tmp_path / "b.jsonl", lines[2], lines[1], lines[0])
    assert run_command("", "diff", a, b).exit_code == 0


def test_a_call_that_one_run_lacks_is_named(tmp_path: Path) -> None:
    a = write_tape(tmp_path / "a.jsonl", asks("one", "A?", "a"), asks("one", "Again?", "a"))
    b = write_tape(tmp_path / "b.jsonl", asks("one", "A?", "a"))
    ended = run_command("", "diff", a, b)
    assert "one, call 2 is only in A; B makes no such call." in ended.stdout
    assert "its last message: user: Again?" in ended.stdout


def test_a_lane_without_a_name_is_found_by_its_prompt(tmp_path: Path) -> None:
    system = {"role": "system", "content": "You count the boats in the harbour, every morning."}
    newer = {"role": "system", "content": "You count the boats in the harbour, every evening."}
    a = write_tape(tmp_path / "a.jsonl", asks("~000000000000", "How many?", "3", system))
    b = write_tape(tmp_path / "b.jsonl", asks("~111111111111", "How many?", "3", newer))
    ended = run_command("", "diff", a, b)
    assert "~000000000000, call 1 in A, ~111111111111, call 1 in B" in ended.stdout
    assert "[-morning-]{+evening+}" in ended.stdout


def test_scripted_tapes_are_compared_by_condition_and_reply(tmp_path: Path) -> None:
    a = write_tape(tmp_path / "a.jsonl", reply_line("one", "red", when="Which"))
    b = write_tape(tmp_path / "b.jsonl", reply_line("one", "red", when="What"))
    assert "[-Which-]{+What+}" in run_command("", "diff", a, b).stdout


def test_a_run_and_a_trace_of_the_store_are_found_by_their_ids(store: str) -> None:
    ids = []
    for answer in ("red", "blue"):
        with enable_tracing(store), record_run() as run:
            with mlflow.start_span("completion", span_type="LLM") as span:
                span.set_attribute("gen_ai.agent.name", "painter")
                span.set_inputs({"messages": [{"role": "user", "content": "Which colour?"}]})
                message = {"role": "assistant", "content": answer}
                span.set_outputs({"choices": [{"index": 0, "message": message}]})
            ids.append((run.id, run.traces()[0].info.trace_id))
    (run_id, _), (_, trace_id) = ids
    ended = run_command(store, "diff", run_id, trace_id)
    assert (ended.exit_code, ended.stderr) == (1, "")
    assert "painter, call 1: the same request, another reply" in ended.stdout


def record_completion(agent: str, prompt: str, answer: str) -> None:
    with mlflow.start_span("completion", span_type="LLM") as span:
        if agent:
            span.set_attribute("gen_ai.agent.name", agent)
        system = {"role": "system", "content": prompt}
        span.set_inputs({"messages": [system, {"role": "user", "content": "Which?"}]})
        message = {"role": "assistant", "content": answer}
        span.set_outputs({"choices": [{"index": 0, "message": message}]})


def test_the_agents_of_a_trace_have_the_lanes_of_the_tape(store: str, tmp_path: Path) -> None:
    first, second = "Count the boats in the harbour.", "Paint a picture of every boat."
    header: dict[str, object] = {
        "lanes": {"agent-1": {"prompt": second}, "agent-2": {"prompt": first}}
    }
    lines = [
        asks(lane, "Which?", "red", {"role": "system", "content": prompt})
        for lane, prompt in (("agent-1", second), ("agent-2", first))
    ]
    tape = write_tape(tmp_path / "a.jsonl", header, *lines)
    with enable_tracing(store), record_run() as run:
        record_completion("", first, "red")
        record_completion("painter", second, "blue")
    ended = run_command(store, "diff", tape, run.id)
    assert 'In the trace, "agent-1" is "painter".' in ended.stdout
    assert "First divergence: agent-1, call 1: the same request, another reply." in ended.stdout
    assert re.search(r"calls of agent-2 +1 +1\n", ended.stdout)
    last = json.loads(run_command(store, "diff", "--json", tape, "last").stdout)
    assert (last["first"]["agent"], last["names_in_trace"]) == ("agent-1", {"agent-1": "painter"})


def test_an_agent_without_a_name_keeps_its_lane_in_another_trace(store: str) -> None:
    runs = []
    for word, order in (("big", 1), ("small", -1)):
        with enable_tracing(store), record_run() as run:
            for prompt in (f"Count each {word} boat.", "Paint a picture of the harbour.")[::order]:
                record_completion("", prompt, "red")
        runs.append(run.id)
    report = json.loads(run_command(store, "diff", "--json", *runs).stdout)
    assert report["a"]["calls"] == report["b"]["calls"] == {"agent-1": 1, "agent-2": 1}
    assert report["first"]["agent"] == "agent-1"
    assert report["first"]["messages"][0]["b"] == "Count each small boat."
    assert report["later"] == []


def test_a_run_that_cannot_be_read_ends_with_2(tmp_path: Path, store: str) -> None:
    tape = write_tape(tmp_path / "a.jsonl", asks("one", "A?", "a"))
    (tmp_path / "empty.json").write_text("{}")
    for other, message in (
        ("nowhere.json", "nowhere.json: no such file"),
        (str(tmp_path / "empty.json"), "JSON without any trace"),
        ("0" * 32, "has no run"),
    ):
        ended = run_command(store, "diff", tape, other)
        assert (ended.exit_code, message in ended.stderr) == (2, True), ended.stderr


@pytest.mark.parametrize("is_terminal", [True, False])
def test_words_are_coloured_on_a_terminal_only(tmp_path: Path, is_terminal: bool) -> None:
    a = write_tape(tmp_path / "a.jsonl", asks("one", "Which?", "red"))
    b = write_tape(tmp_path / "b.jsonl", asks("one", "Which?", "blue"))
    console = Console(force_terminal=is_terminal, color_system="standard" if is_terminal else None)
    with console.capture() as captured:
        console.print(render_comparison(compare_runs(*load_runs(a, b, ""))))
    assert ("\x1b[31m[-red-]" in captured.get()) is is_terminal
