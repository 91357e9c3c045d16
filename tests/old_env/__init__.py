"""Old env."""
