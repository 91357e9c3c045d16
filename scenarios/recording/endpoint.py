"""A live endpoint that is recorded, and the path at which the proxy serves it."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Endpoint:
    """A live endpoint: `mount` is the path at which the proxy serves `base_url`.

    `lane` is the lane of an outside service, whose clients send none.
    """

    mount: str
    base_url: str
    lane: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def base_path(self) -> str:
        """The path of `base_url`, without a slash at its end."""
        return urlsplit(self.base_url).path.rstrip("/")
