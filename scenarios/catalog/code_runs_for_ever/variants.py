"""A code agent without a limit of time, and one with a short limit."""

from workflows.code_agent import CodeAgent
from workflows.support.sandbox import Limits


class SetsNoLimitOfTime(CodeAgent):
    """The mistake: the limits are taken off, because some work takes long."""

    limits = Limits(wall_s=None, cpu_s=None)


class StopsCodeAfterOneSecond(CodeAgent):
    """The default limit is 20 seconds; one is enough to show how the code is stopped."""

    limits = Limits(wall_s=1.0)
