"""The instrumentors: each enables a tracing integration and captures what it records."""
