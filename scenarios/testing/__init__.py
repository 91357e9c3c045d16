"""Test a program with pytest: answer it from a tape, read its trace, expect statements about it.

`flight_recorder/pytest_plugin.py` makes fixtures of these modules; `flight_recorder/testing.py`
exports the functions that tests call.
"""
