"""A share of the benchmark's logs, with Wilson's 95% interval: right answers, or false alarms."""

import math
from dataclasses import dataclass
from typing import Any

Z_95 = 1.959964
"""The 97.5% quantile of the normal distribution."""


@dataclass(frozen=True)
class LogShare:
    """How many of the logs are right; a fraction of one where chances were added up."""

    correct: float
    count: int

    @property
    def share(self) -> float:
        return self.correct / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval (E. B. Wilson, 1927): it stays within 0 and 1."""
        if not self.count:
            return 0.0, 1.0
        square = Z_95**2 / self.count
        center = (self.share + square / 2) / (1 + square)
        variance = self.share * (1 - self.share) / self.count + square / (4 * self.count)
        margin = Z_95 * math.sqrt(variance) / (1 + square)
        return max(0.0, center - margin), min(1.0, center + margin)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.1%} ({low:.0%}–{high:.0%})"

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {"correct": self.correct, "accuracy": self.share, "low": low, "high": high}
