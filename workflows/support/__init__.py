"""The tools, prompts, checks and clients of the lessons, in a folder for each topic."""
