"""The counts: what an instrumentor tells of a flight, measure by measure."""
