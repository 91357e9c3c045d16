"""Tests of programs that run with tracing."""
