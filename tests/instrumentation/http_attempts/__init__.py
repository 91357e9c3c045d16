"""Tests of recording failed HTTP requests."""
