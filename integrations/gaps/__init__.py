"""Gaps: what instrumentors are known not to record, and the check that it is so."""
