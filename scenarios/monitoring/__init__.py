"""Watch a trace store: score a sample of its traces, evaluate alerts, and export metrics."""
