"""The session that several traces share, and the keys of sessions, users, runs and programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from instrumentation.trace.span import Span

SESSION_KEY = "mlflow.trace.session"
USER_KEY = "mlflow.trace.user"
"""The metadata keys that `mlflow.tracing.context(session_id=…, user=…)` writes."""
RUN_TAG = "flight_recorder.run"
"""The tag that `record_run` writes on each trace of a run."""
PROGRAM_TAG = "flight_recorder.program"
"""The tag of all traces of a program that `trace` runs, also of those with a run of their own."""


@dataclass(frozen=True)
class Session:
    """A conversation. `user` is empty if the application did not name one."""

    id: str
    user: str = ""

    def __str__(self) -> str:
        return f"session {self.id} of {self.user}" if self.user else f"session {self.id}"


def common_session(
    infos: Sequence[Mapping[str, Any]], trees: Sequence[Sequence[Span]]
) -> Session | None:
    """Return the session to which all traces belong as complete turns, or None.

    It is None if a trace belongs to no session or to another one, if a trace is torn, or if the
    roots differ in name or type: then one of them is a span that lost its turn. Several users are
    listed in the order in which they first appear.

    `infos` has the `info` of each trace, as MLflow exports it; `trees` its root spans.
    """
    metadata = [info.get("trace_metadata") or {} for info in infos]
    ids = {one.get(SESSION_KEY) or "" for one in metadata}
    same_roots = len({(root.name, root.type) for roots in trees for root in roots}) == 1
    are_complete = same_roots and all(len(roots) == 1 for roots in trees)
    if not are_complete or len(ids) != 1 or not (id := ids.pop()):
        return None
    users = dict.fromkeys(one[USER_KEY] for one in metadata if one.get(USER_KEY))
    return Session(id, ", ".join(users))
