"""Workflows to learn from: each module here but `model.py` is one of them."""
