"""Programs of the `openai` cases: one function per case, with its name."""
