"""The spans of a CrewAI run, each built from the events that CrewAI emits."""
