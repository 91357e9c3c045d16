"""The gaps: what is not told as it was, and whether that is known."""
