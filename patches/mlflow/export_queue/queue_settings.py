"""The limits of the queues, which environment variables can change."""

import logging
import math
import os
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NumberSetting:
    """A number that an environment variable can replace."""

    variable: str
    default: float

    def read(self) -> float:
        """Return the variable's number; without one that can be used, warn, and return the default.

        A wrong variable must not keep a program from being traced.
        """
        text = os.environ.get(self.variable, "").strip()
        try:
            number = float(text or self.default)
        except ValueError:
            number = math.nan
        if 0 <= number < math.inf:
            return number
        _log.warning(
            "%s is %r, which is no number from 0: %s is used", self.variable, text, self.default
        )
        return self.default


EXPORT_QUEUE_BYTES = NumberSetting("FLIGHT_RECORDER_EXPORT_QUEUE_BYTES", 256_000_000)
"""The approximate memory of spans that wait to be stored."""
RETRY_QUEUE_BYTES = NumberSetting("FLIGHT_RECORDER_RETRY_QUEUE_BYTES", 64_000_000)
"""The approximate memory of the spans that one store has rejected."""
STORE_TIMEOUT_S = NumberSetting("FLIGHT_RECORDER_STORE_TIMEOUT_S", 10.0)
"""How long a flush waits for a store that accepts nothing, in seconds."""
