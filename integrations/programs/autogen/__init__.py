"""Programs of the AutoGen cases: one function per case, with its name."""
