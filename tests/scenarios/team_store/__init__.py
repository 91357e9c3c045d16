"""Team store."""
