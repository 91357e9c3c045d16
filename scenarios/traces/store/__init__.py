"""Reading stored traces: the store's address, alerts, saved searches."""
