"""Expectations about calls: of tools, of their services, and of the guardrails around them."""
