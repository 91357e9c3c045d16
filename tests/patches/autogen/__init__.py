"""Tests of the patches for AutoGen."""
