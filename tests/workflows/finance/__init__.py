"""Tests of workflows.finance."""
