"""A session: turns of one conversation, each a trace of its own, joined by the session's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.span import Span

SESSION_KEY = "mlflow.trace.session"
USER_KEY = "mlflow.trace.user"
"""The metadata in which MLflow keeps whose turn a trace is; `mlflow.tracing.context` writes it."""


@dataclass(frozen=True)
class Session:
    """`id` as the application names it; `user` is who spoke, empty where nobody said."""

    id: str
    user: str = ""

    def __str__(self) -> str:
        return f"session {self.id} of {self.user}" if self.user else f"session {self.id}"


def common_session(
    infos: Sequence[Mapping[str, Any]], trees: Sequence[Sequence[Span]]
) -> Session | None:
    """The session whose turns these traces are, by their `info` as MLflow exports it.

    None where one of them is of no session, or of another; and where one is no whole turn: it is
    torn, or its root is not as those of the others, as that of a span that lost its turn. Several
    users stand in the order in which they first spoke.
    """
    told = [info.get("trace_metadata") or {} for info in infos]
    ids = {metadata.get(SESSION_KEY) or "" for metadata in told}
    alike = len({(root.name, root.type) for grown in trees for root in grown}) == 1
    whole = alike and all(len(grown) == 1 for grown in trees)
    if not whole or len(ids) != 1 or not (id := ids.pop()):
        return None
    users = dict.fromkeys(metadata[USER_KEY] for metadata in told if metadata.get(USER_KEY))
    return Session(id, ", ".join(users))
