"""Through the front door."""
