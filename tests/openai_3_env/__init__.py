"""Programs for the environment with openai 3."""
