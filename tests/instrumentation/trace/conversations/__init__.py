"""Tests of reading logs of conversations."""
