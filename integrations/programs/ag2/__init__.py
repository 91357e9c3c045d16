"""Programs of the `ag2` cases: one function per case, with its name."""
