"""Tapes: JSONL files of exchanges that a run can be answered from. Start at `tape.py`."""
