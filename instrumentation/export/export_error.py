"""`ExportError`: why spans were not delivered, how many were rejected, and whether to retry."""


class ExportError(Exception):
    """Not all spans were delivered. The message never contains an address.

    Attributes:
        is_retryable: The same request may succeed later.
        is_too_large: A request with fewer spans may succeed.
        rejected_spans: How many spans were rejected; None if all were.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_retryable: bool = False,
        is_too_large: bool = False,
        rejected_spans: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.is_retryable = is_retryable
        self.is_too_large = is_too_large
        self.rejected_spans = rejected_spans

    def count_rejected(self, sent: int) -> int:
        """How many of the spans that were sent were rejected."""
        return sent if self.rejected_spans is None else min(self.rejected_spans, sent)


def dropped_spans_error(dropped: int, unfinished: int) -> ExportError:
    """Create the error for spans that were never delivered, with the settings to change.

    Args:
        dropped: How many spans the queue had no room for.
        unfinished: How many spans were not delivered when the program ended.
    """
    reasons = []
    if dropped:
        reasons.append(f"{dropped} of them did not fit into the queue (OTEL_BSP_MAX_QUEUE_SIZE)")
    if unfinished:
        reasons.append(
            f"{unfinished} of them were not delivered before the program ended"
            " (OTEL_BSP_EXPORT_TIMEOUT)"
        )
    return ExportError(" and ".join(reasons))
