"""Record and replay any program: start its endpoints, set its environment, run it, report.

`tape_session.py` is the Python API, which the command line and the pytest plugin use.
"""
