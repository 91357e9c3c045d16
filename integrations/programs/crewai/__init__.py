"""Programs of the CrewAI cases: one function per case, with its name."""
