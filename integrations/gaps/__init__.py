"""Gaps: what instrumentors are known not to record, and the check that the list is still true."""
