"""Failure modes of handoffs: work, instructions or objections that did not reach who needs them."""
