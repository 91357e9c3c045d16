"""Test cases: small programs of each framework with scripted replies and known ground truth."""
