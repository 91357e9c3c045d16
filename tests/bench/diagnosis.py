"""Measure the time and memory of a diagnosis, for a thousand to a hundred thousand spans."""

import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

from instrumentation.diagnosis import diagnose
from instrumentation.diagnosis.reading.grounding import figures_of
from instrumentation.diagnosis.reading.texts import sentence_keys
from instrumentation.trace import Span, Trace

SIZES = (1_000, 10_000, 100_000)
SPANS_PER_ROUND = 8
"""A handoff, a turn, three completions and three tool calls."""
STEP_NS = 1_000_000


def build_trace(span_count: int, agent_count: int = 7, *, lost_every: int = 0) -> Trace:
    """A run of several agents, each of which looks up figures and passes them on.

    Every round has its own figures, so that a figure has one source, as in a real run.

    Args:
        span_count: About how many spans it has.
        agent_count: How many agents take turns.
        lost_every: Every which handoff is lost; 0: none.
    """
    rounds = max(1, span_count // SPANS_PER_ROUND)
    children = tuple(
        span for number in range(rounds) for span in _round(number, agent_count, lost_every)
    )
    end_ns = (len(children) * 10 + 2) * STEP_NS
    last = children[-1].outputs
    task = {"task": "Write a report on the wells, each with its depth in metres."}
    return Trace(
        (
            Span(
                "run",
                "CHAIN",
                inputs=task,
                outputs=last,
                children=children,
                start_ns=STEP_NS,
                end_ns=end_ns,
            ),
        )
    )


def _round(number: int, agent_count: int, lost_every: int) -> Iterator[Span]:
    start_ns = (number * 20 + 2) * STEP_NS
    sender, agent = f"agent{(number - 1) % agent_count}", f"agent{number % agent_count}"
    before, text = _report(number - 1), _report(number)
    is_lost = bool(lost_every) and number % lost_every == lost_every - 1
    if number:
        yield Span(
            f"{sender} → {agent}",
            "HANDOFF",
            inputs={"sent": before},
            outputs={"arrived": before, "dropped": ""},
            attributes={
                "flight_recorder.handoff.from_agent": sender,
                "flight_recorder.handoff.to_agent": agent,
                "flight_recorder.handoff.efficiency_score": 0.0 if is_lost else 1.0,
            },
            start_ns=start_ns,
            end_ns=start_ns,
        )
    prompt = [
        {"role": "system", "content": f"You are {agent}. Look up each depth before you report it."},
        {"role": "user", "content": "Go on. " + ("" if is_lost else before)},
    ]
    yield Span(
        agent,
        "AGENT",
        inputs={"prompt": prompt[-1]["content"]},
        outputs={"output": text},
        attributes={"gen_ai.agent.name": agent},
        children=tuple(_steps(number, prompt, text, start_ns + STEP_NS)),
        start_ns=start_ns + STEP_NS,
        end_ns=start_ns + 15 * STEP_NS,
    )


def _steps(number: int, prompt: list[dict[str, Any]], text: str, start_ns: int) -> Iterator[Span]:
    messages = prompt
    tools = [{"function": {"name": "measure_depth"}}]
    for call in range(3):
        arguments = f'{{"well": "W{number}-{call}"}}'
        request = {"id": str(call), "function": {"name": "measure_depth", "arguments": arguments}}
        answer = {"role": "assistant", "content": None, "tool_calls": [request]}
        if call == 2:
            answer = {"role": "assistant", "content": text}
        yield Span(
            "chat_completion",
            "LLM",
            inputs={"messages": messages, "tools": tools},
            outputs={"choices": [{"finish_reason": "stop", "message": answer}]},
            start_ns=start_ns + call * 4 * STEP_NS,
            end_ns=start_ns + (call * 4 + 1) * STEP_NS,
        )
        result = {"well": f"W{number}-{call}", "value": _depth(number, call), "unit": "m"}
        yield Span(
            "measure_depth",
            "TOOL",
            inputs={"well": f"W{number}-{call}"},
            outputs=result,
            start_ns=start_ns + (call * 4 + 2) * STEP_NS,
            end_ns=start_ns + (call * 4 + 3) * STEP_NS,
        )
        messages = [*messages, answer, {"role": "tool", "content": str(result)}]


def _report(number: int) -> str:
    first, second = _depth(number, 0), _depth(number, 1)
    return f"In round {number} well A was {first} m deep. Well B was {second} m deep."


def _depth(number: int, call: int) -> float:
    return number * 3 + call + 0.25


def run_benchmark(_store: str = "") -> dict[str, float | str]:
    """Return the CPU seconds and the peak memory of a diagnosis, by number of spans."""
    figures: dict[str, float | str] = {}
    for size in SIZES:
        trace = build_trace(size)
        figures[f"seconds for {size:,} spans"] = measure_cpu_s(trace)
        tracemalloc.start()
        diagnose(trace)
        figures[f"MB for {size:,} spans"] = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    return figures


def measure_cpu_s(trace: Trace) -> float:
    """The CPU seconds of a diagnosis; caches of texts are full only from the trace itself."""
    figures_of.cache_clear()
    sentence_keys.cache_clear()
    started_s = time.process_time()
    diagnose(trace)
    return time.process_time() - started_s


if __name__ == "__main__":
    for figure, value in run_benchmark().items():
        print(f"{figure}: {value:.2f}", flush=True)
