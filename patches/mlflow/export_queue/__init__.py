"""Export queue."""
