"""Make a tape from a trace, and a test or a scenario that replays it. Start at `traced_tape.py`."""
