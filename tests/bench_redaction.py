"""What redaction costs: on the caller a span, beside tracing without it.

`measured()` returns, for a span of a few hundred characters ("small") and one of 60 kB ("large"):
"<size> off" and "<size> on", microseconds a span on the caller, "<size> ratio" of the two, and
"<size> secret" for spans that hold one. Each figure is the median of rounds that take turns, after
a warm-up; spans are stored in the background, as by default. "text <size>" is `Redaction.text`
alone, in microseconds.
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
"""How often each is measured."""


def measured(store: str, spans: int = 200) -> dict[str, float]:
    """Microseconds a span, and ratios; `spans` is how many are opened in a round."""
    _round(store, None, SENTENCE, spans)
    told: dict[str, float] = {}
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
                seen[case].append(_round(store, redaction, text, count))
        us = {case: median(each) for case, each in seen.items()}
        told |= {f"{size} span, {case}: µs on the caller": each for case, each in us.items()}
        told[f"{size} span, on / off"] = us["on"] / us["off"]
        told[f"{size} text alone: µs"] = _each_us(
            partial(DEFAULT_REDACTION.redact_text, plain), count
        )
    return told


def _round(store: str, redaction: Redaction | None, text: str, spans: int) -> float:
    """Microseconds a span on the caller: a completion, with its messages and its answer."""
    with enable_tracing(store, frameworks=(), redaction=redaction), mlflow.start_span("root"):
        return _each_us(partial(_completion, text), spans)


def _completion(text: str) -> None:
    with mlflow.start_span("create", span_type="LLM") as span:
        span.set_inputs({"messages": [{"role": "user", "content": text}]})
        span.set_attribute("gen_ai.usage.output_tokens", 44)
        span.set_attribute("gen_ai.request.model", "taped")
        span.set_outputs({"choices": [{"message": {"role": "assistant", "content": "4.9 %"}}]})


def _each_us(work: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times * 1e6
