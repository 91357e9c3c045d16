"""Reports of the fidelity table, the matrix and the regressions: terminal, Markdown and JSON."""
