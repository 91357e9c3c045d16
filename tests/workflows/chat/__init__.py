"""Tests of the streamed chat."""
