"""Compare two runs call by call: find the first call that differs, and its context."""
