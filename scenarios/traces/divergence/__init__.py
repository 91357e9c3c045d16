"""Compare two runs call by call: where they part first, and in which context."""
