"""Read what detectors need of a trace: messages, figures and their sources, handoffs, data flow."""
