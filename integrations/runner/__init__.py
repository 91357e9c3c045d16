"""Running cases: child processes, case runs, jobs, their evaluation, and the whole matrix."""
