"""Tail sampling: decide when a trace has ended whether it is kept, by ratio and by rules."""

from instrumentation.sampling.sampling import KeepRule, Sampling, SamplingCounts

__all__ = ["KeepRule", "Sampling", "SamplingCounts"]
