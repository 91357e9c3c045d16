"""Tests of workflows.support.finance."""
