"""What would have been caught: known regressions, flown where they are and where not."""
