"""Record a tape: a proxy in front of a live endpoint that writes each exchange to a file."""
