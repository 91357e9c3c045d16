"""Redact secrets and personal data in spans, texts and plain data before they leave the process."""

from instrumentation.redaction.pattern import RedactionPattern
from instrumentation.redaction.redaction import (
    DEFAULT_REDACTION,
    NO_REDACTION,
    STRICT_REDACTION,
    Redaction,
)
from instrumentation.redaction.secret_fields import SecretFields

__all__ = [
    "DEFAULT_REDACTION",
    "NO_REDACTION",
    "STRICT_REDACTION",
    "Redaction",
    "RedactionPattern",
    "SecretFields",
]
