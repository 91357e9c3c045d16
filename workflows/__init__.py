"""Five lessons: each of the modules here but `model.py` is one workflow, read from the top."""
