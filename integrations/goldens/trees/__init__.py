"""Span trees without values, and the edit script between two of them."""
