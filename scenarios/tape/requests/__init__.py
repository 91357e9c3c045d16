"""Requests to a model: their canonical form, their conversation, and how two of them differ."""
