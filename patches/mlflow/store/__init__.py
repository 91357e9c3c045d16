"""The connection of MLflow to a trace store: its address, its experiment, and patches for it."""
