"""Make a tape, and a test or a scenario that replays it, of a trace. Start at `traced_tape.py`."""
