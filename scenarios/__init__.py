"""Scenarios: failures of agent workflows, replayed offline, each with the fix beside it."""
