"""What a workflow calls to be seen, and what reads the trace that it leaves."""
