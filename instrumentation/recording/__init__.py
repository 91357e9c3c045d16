"""Record runs, chat completions, handoffs and a caller's trace, from a program's own code."""
