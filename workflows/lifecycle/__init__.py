"""The life of an agent after its first run: judged, evaluated, reviewed, versioned."""
