"""Trace an unmodified program: start it with a hook that enables tracing before its first line.

`launch.py` starts the program; `site_hook/sitecustomize.py` runs in it, before the program, and
calls `traced_process.py`.
"""
