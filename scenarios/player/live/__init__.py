"""Run a workflow, or a chat, against a real model instead of a tape."""
