"""Reading stored traces: the address of the store, saved searches, MLflow's pages."""
