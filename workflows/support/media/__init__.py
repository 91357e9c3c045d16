"""Clips, measurements of them, and the tools of the media verification lesson."""
