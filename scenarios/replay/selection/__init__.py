"""Choose the line of a tape that answers a request, or explain why none does."""
