"""The quality gate for CI: thresholds of one file, checked on stored traces, with one verdict."""
