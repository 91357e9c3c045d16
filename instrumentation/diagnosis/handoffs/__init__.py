"""Failure modes of handoffs: work, instructions or objections do not reach the agent in need."""
