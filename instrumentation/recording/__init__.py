"""What a program records itself: runs, chat completions, handoffs, and the trace of a caller."""
