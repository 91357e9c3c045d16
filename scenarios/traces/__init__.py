"""Stored traces: find, diagnose and compare them, and make tests of them."""
