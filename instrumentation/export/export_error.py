"""A refusal: why a receiver did not take spans, and what is to be done with them."""


class ExportError(Exception):
    """Raised when spans did not all arrive; its text names no address.

    `again`: the same may be taken later. `smaller`: fewer at once may be taken. `spans`: how many
    of them, if not all.
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
        self.is_retryable, self.is_too_large, self.rejected_spans = (
            is_retryable,
            is_too_large,
            rejected_spans,
        )

    def rejected_count(self, sent: int) -> int:
        """How many are refused of as many as were `sent`."""
        return sent if self.rejected_spans is None else min(self.rejected_spans, sent)


def undelivered_error(dropped: int, unfinished: int) -> ExportError:
    """Why some were never sent, and what gives them room and time."""
    reasons = [
        f"{dropped} of them found no room (OTEL_BSP_MAX_QUEUE_SIZE)" if dropped else "",
        f"{unfinished} of them had not arrived as the program ended (OTEL_BSP_EXPORT_TIMEOUT)"
        if unfinished
        else "",
    ]
    return ExportError(" and ".join(filter(None, reasons)))
