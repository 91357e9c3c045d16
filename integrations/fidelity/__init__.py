"""The fidelity table: what each instrumentor records of each case, counted and compared."""
