"""Benchmark of the diagnosis on logs whose wrong agent and step a person has labelled."""
