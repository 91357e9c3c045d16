"""Compare a recording with its replay, or with another recording."""
