"""Record and replay any program: start its endpoints, set its environment, run it, report.

`use_tape.py` is the Python API, which the command line and the pytest plugin use.
"""
