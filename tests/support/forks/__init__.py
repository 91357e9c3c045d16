"""A `python` for tests that start programs, which forks them from a process with MLflow."""
