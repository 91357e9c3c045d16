"""Reading the spans of any instrumentor: semantic conventions translated to MLflow's."""
