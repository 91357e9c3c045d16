"""Match a path or a target of a recorded line, parts of which may have been redacted."""

import re

PLACEHOLDER = re.compile(r"\[redacted: [\w -]+\]")


def to_pattern(redacted: str) -> str:
    """A regular expression in which each placeholder of redaction matches a part of a URL."""
    return r"[^/?&\s]*".join(re.escape(part) for part in PLACEHOLDER.split(redacted))


def matches_path(recorded: str, path: str) -> bool:
    """Return whether a line's path is that of a request."""
    if recorded == path or "[redacted: " not in recorded:
        return recorded == path
    return re.fullmatch(to_pattern(recorded), path) is not None
