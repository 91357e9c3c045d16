"""A refusal: why a receiver did not take spans, and what is to be done with them."""


class Refused(Exception):
    """Raised when spans did not all arrive; its text names no address.

    `again`: the same may be taken later. `smaller`: fewer at once may be taken. `spans`: how many
    of them, if not all.
    """

    def __init__(
        self, why: str, *, again: bool = False, smaller: bool = False, spans: int | None = None
    ) -> None:
        super().__init__(why)
        self.again, self.smaller, self.spans = again, smaller, spans

    def of(self, sent: int) -> int:
        """How many are refused of as many as were `sent`."""
        return sent if self.spans is None else min(self.spans, sent)


def unsent(crowded: int, left: int) -> Refused:
    """Why some were never sent, and what gives them room and time."""
    reasons = [
        f"{crowded} of them found no room (OTEL_BSP_MAX_QUEUE_SIZE)" if crowded else "",
        f"{left} of them had not arrived as the program ended (OTEL_BSP_EXPORT_TIMEOUT)"
        if left
        else "",
    ]
    return Refused(" and ".join(filter(None, reasons)))
