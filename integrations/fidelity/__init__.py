"""The fidelity table: what each instrumentor tells of what really happened, case by case."""
