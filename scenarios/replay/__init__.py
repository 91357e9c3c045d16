"""The replay server: answers requests from a tape, injects faults, and logs what it served.

Start at `replay_server.py`; one request is handled by `app.py`.
"""
