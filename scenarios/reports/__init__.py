"""Reports: verdicts on the terminal, and the generated pages of the scenarios."""
