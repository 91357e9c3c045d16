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
