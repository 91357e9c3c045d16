"""An HTTP server on 127.0.0.1 whose connections can be broken on purpose, and a forwarding client.

Used by the replay server and by the recording proxy.
"""
