"""Benchmark redaction: µs per span on the caller, with and without it.

A small span has a few hundred characters, a large one 60 kB. Each figure is the median of rounds
that alternate between the modes, after a warm-up. Spans are stored in the background, as by
default.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import mlflow

from instrumentation.redaction.redaction import DEFAULT_REDACTION, Redaction
from instrumentation.tracing import enable_tracing

SENTENCE = "Inflation in France was 4.9 % in 2023, after 5.2 % in 2022, says [1]. "
SECRET = "The key is sk-proj-Ab12Cd_Ef-Gh34, of ann@mail.example.org. "
SIZES = {"small": 4, "large": 60_000 // len(SENTENCE)}
ROUNDS = 5
"""Rounds per mode."""


def run_benchmark(store: str, spans: int = 200) -> dict[str, float]:
    """Return µs per span and ratios; `spans` is the number of spans per round."""
    _span_us(store, None, SENTENCE, spans)
    figures: dict[str, float] = {}
    for size, times in SIZES.items():
        plain, secret = SENTENCE * times, SENTENCE * (times - 1) + SECRET
        count = spans if size == "small" else spans // 4
        cases: dict[str, tuple[Redaction | None, str]] = {
            "off": (None, plain),
            "on": (DEFAULT_REDACTION, plain),
            "on, with a secret": (DEFAULT_REDACTION, secret),
        }
        seen: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(ROUNDS):
            for case, (redaction, text) in cases.items():
                seen[case].append(_span_us(store, redaction, text, count))
        us = {case: median(each) for case, each in seen.items()}
        figures |= {f"{size} span, {case}: µs on the caller": each for case, each in us.items()}
        figures[f"{size} span, on / off"] = us["on"] / us["off"]
        figures[f"{size} text alone: µs"] = _time_us(
            partial(DEFAULT_REDACTION.redact_text, plain), count
        )
    return figures


def _span_us(store: str, redaction: Redaction | None, text: str, spans: int) -> float:
    """Return µs per span on the caller, for spans of completions."""
    with enable_tracing(store, frameworks=(), redaction=redaction), mlflow.start_span("root"):
        return _time_us(partial(_write_completion, text), spans)


def _write_completion(text: str) -> None:
    with mlflow.start_span("create", span_type="LLM") as span:
        span.set_inputs({"messages": [{"role": "user", "content": text}]})
        span.set_attribute("gen_ai.usage.output_tokens", 44)
        span.set_attribute("gen_ai.request.model", "taped")
        span.set_outputs({"choices": [{"message": {"role": "assistant", "content": "4.9 %"}}]})


def _time_us(work: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times * 1e6
