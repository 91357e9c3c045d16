"""Running cases: child processes, case runs, jobs, and their evaluation."""
