"""The media verification with short intervals between polls."""

from workflows.graphflow_media import MediaVerification


class PollsOften(MediaVerification):
    """The lesson, but with short intervals between polls: the tape answers at once."""

    poll_interval_s = 0.01
