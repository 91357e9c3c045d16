"""Failure modes of guardrails: they block without a cause, act too late, or are not heeded."""
