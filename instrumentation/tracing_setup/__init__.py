"""The parts of `enable_tracing`: environment, frameworks, patches, warnings, and SIGTERM."""
