"""Tests of the trace tree, canonical JSON, outline and sessions."""
