"""A budget of a run in tokens and US dollars, checked before each completion."""

from collections.abc import Mapping
from threading import Lock

from instrumentation.guardrails.guardrail import Check
from instrumentation.steps.telemetry import Price
from instrumentation.trace.span import Tokens


class UnknownPriceError(Exception):
    """Raised for a completion of a model whose price the budget does not know."""


class TokenBudget:
    """Blocks a completion that would exceed the budget.

    A completion costs at least as much as the one before it, because the conversation grows. So
    the check adds the last one's tokens to those already spent: it comes before the money is gone.

    An endpoint that reports no usage costs nothing here. Such completions are counted, and recorded
    as `unmeasured_count`; a stream needs `stream_options={"include_usage": True}`.
    """

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        max_usd: float | None = None,
        prices: Mapping[str, Price] | None = None,
    ) -> None:
        """Raises `ValueError` if there is no limit, or `max_usd` without prices."""
        if max_tokens is None and max_usd is None:
            raise ValueError("a budget needs max_tokens or max_usd, but found neither")
        if max_usd is not None and not prices:
            raise ValueError("a budget with max_usd needs the prices of the models")
        self.max_tokens, self.max_usd, self.prices = max_tokens, max_usd, prices or {}
        self._spent, self._last = Tokens(), Tokens()
        self._spent_usd = self._last_usd = 0.0
        self._unmeasured = 0
        self._lock = Lock()

    def add(self, model: str, tokens: Tokens) -> None:
        """Count the tokens of a completion. Raises `UnknownPriceError` if `max_usd` needs one."""
        usd = 0.0
        if self.max_usd is not None:
            price = self.prices.get(model) or self.prices.get(model.partition("/")[2])
            if price is None:
                raise UnknownPriceError(
                    f"the budget has no price for the model {model!r}; add it to `prices`"
                )
            usd = price.cost_usd(tokens)
        with self._lock:
            self._spent, self._last = self._spent + tokens, tokens
            self._spent_usd, self._last_usd = self._spent_usd + usd, usd
            self._unmeasured += not tokens.total

    def check_completion(self) -> Check:
        """Check whether another completion fits into the budget."""
        with self._lock:
            spent, needed = self._spent.total, self._spent.total + self._last.total
            spent_usd, needed_usd = self._spent_usd, self._spent_usd + self._last_usd
            unmeasured = self._unmeasured
        figures: dict[str, int | float | str] = {"token_count": spent}
        if unmeasured:
            figures["unmeasured_count"] = unmeasured
        reason = ""
        if self.max_tokens is not None:
            figures["token_limit"] = self.max_tokens
            if needed > self.max_tokens:
                reason = f"blocked: {spent} of {self.max_tokens} tokens are spent"
        if self.max_usd is not None:
            figures |= {"cost_usd": round(spent_usd, 9), "cost_limit_usd": self.max_usd}
            if needed_usd > self.max_usd:
                reason = f"blocked: {spent_usd:.4f} of {self.max_usd:.4f} US dollars are spent"
        return Check("token_budget", reason and f"{reason}, too few are left", figures)
