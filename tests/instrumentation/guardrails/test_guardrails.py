"""Guardrails that act: what they block, what they say, and the span of each check."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mlflow
import pytest

from instrumentation import Price, Span, enable_tracing, record_run, trace_from_mlflow
from instrumentation.guardrails import (
    Authorization,
    CircuitBreaker,
    GuardrailBlockedError,
    Guardrails,
    TokenBudget,
    UnknownPriceError,
    redact_input,
)
from instrumentation.trace.span import Tokens

PREFIX = "flight_recorder.guardrail."


def record_checks(store: str, program: Callable[[], object]) -> list[Span]:
    """Run a program in a span, and return the GUARDRAIL spans of its trace."""
    with (
        enable_tracing(store),
        record_run() as run,
        mlflow.start_span("run", span_type="CHAIN"),
    ):
        program()
    traces = [trace.to_dict() for trace in run.traces()]
    return list(trace_from_mlflow(traces).spans_of_type("GUARDRAIL"))


def test_a_breaker_blocks_a_repeated_call_and_allows_other_calls() -> None:
    breaker = CircuitBreaker(max_repeats=2)
    same = [breaker.check_call("read", {"number": "A"}).blocked for _ in range(4)]
    assert same == [False, False, True, True]
    others = [breaker.check_call("read", {"number": str(n)}).blocked for n in range(20)]
    assert not any(others)


def test_a_breaker_limits_the_calls_of_each_tool_by_itself() -> None:
    breaker = CircuitBreaker(max_calls=3)
    reads = [breaker.check_call("read", {"n": n}).blocked for n in range(5)]
    assert reads == [False, False, False, True, True]
    assert not breaker.check_call("pay", {"n": 1}).blocked


def test_the_order_of_arguments_makes_no_other_call() -> None:
    breaker = CircuitBreaker(max_repeats=1)
    assert not breaker.check_call("read", {"a": 1, "b": 2}).blocked
    assert breaker.check_call("read", {"b": 2, "a": 1}).blocked


def test_a_breaker_counts_calls_of_several_threads_exactly() -> None:
    breaker = CircuitBreaker(max_repeats=7)
    with ThreadPoolExecutor(8) as pool:
        checks = list(pool.map(lambda _: breaker.check_call("read", {"n": 1}), range(200)))
    assert sum(not check.blocked for check in checks) == 7


@pytest.mark.parametrize("limits", [{"max_calls": 0}, {"max_repeats": 0}])
def test_a_limit_that_blocks_every_call_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CircuitBreaker(**limits)


def test_a_budget_blocks_the_completion_that_would_exceed_it() -> None:
    budget = TokenBudget(max_tokens=100)
    assert not budget.check_completion().blocked
    budget.add("m", Tokens(30, 10))
    assert not budget.check_completion().blocked
    budget.add("m", Tokens(40, 5))
    check = budget.check_completion()  # 85 are spent, and the next takes 45 at least
    assert check.reason == "blocked: 85 of 100 tokens are spent, too few are left"
    assert check.figures == {"token_count": 85, "token_limit": 100}


def test_a_budget_in_dollars_uses_the_prices_of_the_models() -> None:
    budget = TokenBudget(max_usd=0.01, prices={"m": Price(2.0, 10.0)})
    budget.add("m", Tokens(1000, 100))
    assert not budget.check_completion().blocked
    budget.add("m", Tokens(1000, 200))
    check = budget.check_completion()
    assert check.reason.startswith("blocked: 0.0070 of 0.0100 US dollars")
    assert check.figures["cost_usd"] == pytest.approx(0.007)


def test_a_budget_counts_no_model_as_free() -> None:
    budget = TokenBudget(max_usd=1.0, prices={"m": Price(2.0, 10.0)})
    with pytest.raises(UnknownPriceError, match="'other'"):
        budget.add("other", Tokens(1, 1))


@pytest.mark.parametrize("limits", [{}, {"max_usd": 1.0}])
def test_a_budget_without_a_limit_or_prices_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="budget"):
        TokenBudget(**limits)  # type: ignore[arg-type] # the limits are floats only


def find_objection(call: Mapping[str, Any]) -> str | None:
    return "too much" if call["eur"] > 10 else None


def test_an_authorization_checks_only_tools_with_a_rule() -> None:
    authorization = Authorization({"pay": find_objection})
    assert authorization.check_call("read", {"eur": 99}) is None
    allowed, refused = (authorization.check_call("pay", {"eur": eur}) for eur in (5, 99))
    assert allowed
    assert not allowed.blocked
    assert refused
    assert refused.reason.startswith("not authorized: too much; ")


def test_a_rule_that_fails_allows_nothing() -> None:
    check = Authorization({"pay": find_objection}).check_call("pay", {"amount": 5})
    assert check
    assert check.reason.startswith("not authorized: its rule failed (KeyError)")


def test_each_check_is_a_span_with_limits_and_counts(store: str) -> None:
    guardrails = Guardrails(
        CircuitBreaker(max_repeats=1, max_calls=9),
        TokenBudget(max_tokens=50),
        Authorization({"pay": find_objection}),
    )

    def program() -> None:
        guardrails.check_completion()
        guardrails.add_usage("m", Tokens(20, 2))
        guardrails.check_call("read", {"number": "A"})
        with pytest.raises(GuardrailBlockedError, match="do not repeat the call"):
            guardrails.check_call("read", {"number": "A"})
        with pytest.raises(GuardrailBlockedError, match="too much"):
            guardrails.check_call("pay", {"eur": 99})

    budget, allowed, repeated, refused = record_checks(store, program)
    names = [span.name for span in (budget, allowed, repeated, refused)]
    assert names == ["token_budget", "circuit_breaker", "circuit_breaker", "authorization"]
    assert [span.attributes[f"{PREFIX}blocked"] for span in (allowed, repeated)] == [False, True]
    assert [span.attributes[f"{PREFIX}repeat_count"] for span in (allowed, repeated)] == [0, 1]
    assert repeated.attributes[f"{PREFIX}repeat_limit"] == 1
    assert repeated.attributes[f"{PREFIX}call_limit"] == 9
    assert budget.attributes[f"{PREFIX}token_limit"] == 50
    assert refused.attributes[f"{PREFIX}reason"].startswith("not authorized: too much")
    assert refused.inputs == {"tool": "pay", "arguments": {"eur": 99}}
    assert {span.status for span in (budget, allowed, repeated, refused)} == {"OK"}


def test_a_redacted_input_differs_from_a_redacted_trace(store: str) -> None:
    texts: list[str] = []
    (check,) = record_checks(
        store, lambda: texts.append(redact_input("Write to anna@example.com or bo@example.com."))
    )
    assert texts == ["Write to [withheld: e-mail] or [withheld: e-mail]."]
    assert check.inputs == {"text": "Write to [redacted: e-mail] or [redacted: e-mail]."}
    assert check.outputs == texts[0]
    assert check.attributes[f"{PREFIX}redacted_count"] == 2
    assert check.attributes[f"{PREFIX}redacted_kinds"] == ["e-mail"]


def test_an_input_without_secrets_stays_as_it_is(store: str) -> None:
    (check,) = record_checks(store, lambda: redact_input("Pay A-17."))
    assert check.outputs == "Pay A-17."
    assert check.attributes[f"{PREFIX}redacted_count"] == 0
