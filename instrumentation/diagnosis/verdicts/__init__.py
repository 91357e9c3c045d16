"""Failure modes of verdicts: results that are not complete, checked or approved as they seem."""
