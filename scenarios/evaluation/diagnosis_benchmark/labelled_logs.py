"""Read the logs of a folder with their labels: the agent and the step that began the failure.

Who&When has the label in the log; AgentRx has a file of labels beside the logs. Labels stay here: a
trace is built of the conversation alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from instrumentation.trace import TraceNotFoundError
from instrumentation.trace.conversations import Conversation, read_conversations
from instrumentation.trace.formats.json_documents import read_json

SOURCES = (
    "Who&When (MIT, 184 logs): git clone https://github.com/mingyin1/Agents_Failure_Attribution\n"
    "AgentRx (MIT, 73 labelled logs): git clone https://github.com/microsoft/AgentRx"
)
WHO_AND_WHEN_LABEL = ("mistake_agent", "mistake_step")
AGENTRX_LABEL = ("trajectory_id", "failures", "root_cause")


class BenchmarkDataError(Exception):
    """There are no labelled logs; the message says where to get some."""


@dataclass(frozen=True)
class Label:
    """The agent and the number of the step that a person found to have begun the failure."""

    agent: str
    step: int


@dataclass(frozen=True)
class LabelledLog:
    """A log, and its label; without one if the run succeeded."""

    id: str
    data_set: str
    conversation: Conversation
    label: Label | None

    @property
    def half(self) -> str:
        """`tuning` or `held-out`, by a hash of the id, so that it never changes."""
        return ("tuning", "held-out")[sha256(self.id.encode()).digest()[0] % 2]


@dataclass
class LabelledLogs:
    """The logs of a folder, and the files and logs that could not be used.

    Attributes:
        failed: Logs with a label.
        succeeded: Logs of runs that reached their goal.
        unlabelled_count: Logs of which nothing is known.
        duplicate_count: Logs that the folder has already.
        unread: Files and logs that cannot be read, each with the reason.
    """

    failed: list[LabelledLog] = field(default_factory=list)
    succeeded: list[LabelledLog] = field(default_factory=list)
    unlabelled_count: int = 0
    duplicate_count: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Log:
    id: str
    file: Path
    conversation: Conversation

    @property
    def has_own_label(self) -> bool:
        return all(name in self.conversation.fields for name in WHO_AND_WHEN_LABEL)


def read_labelled_logs(folder: Path) -> LabelledLogs:
    """Read all logs in a folder and in the folders inside it.

    Raises:
        BenchmarkDataError: It is no folder, or has no log with a label.
    """
    if not folder.is_dir():
        raise BenchmarkDataError(f"{folder}: no such folder; get logs with labels:\n{SOURCES}")
    found = LabelledLogs()
    logs: list[_Log] = []
    labels: dict[str, Mapping[str, Any]] = {}
    for file in sorted(folder.rglob("*.json")):
        try:
            documents = read_json(file)
            labels |= {str(one["trajectory_id"]): one for one in _iter_labels(documents)}
            conversations = read_conversations(documents)
        except (TraceNotFoundError, OSError) as error:
            found.unread.append((str(file), str(error).removeprefix(f"{file}: ")))
            continue
        logs += [_Log(one.id or file.stem, file, one) for one in conversations]
    seen: set[tuple[str, bool, bytes]] = set()
    for log in logs:
        key = log.id, log.has_own_label, sha256(repr(log.conversation.steps).encode()).digest()
        if key in seen:
            found.duplicate_count += 1
        else:
            seen.add(key)
            _add(found, log, folder, labels)
    if not found.failed:
        raise BenchmarkDataError(
            f"{folder}: no log has a label ({len(logs)} without one, {len(found.unread)} unread);"
            f" get logs with labels:\n{SOURCES}"
        )
    return found


def _add(
    found: LabelledLogs, log: _Log, folder: Path, labels: Mapping[str, Mapping[str, Any]]
) -> None:
    fields = log.conversation.fields
    data_set = str(log.file.parent.relative_to(folder))
    if data_set == ".":
        data_set = folder.resolve().name
    try:
        if log.has_own_label:
            label = _who_and_when_label(log.conversation)
        elif log.id in labels:
            label = _agentrx_label(log.conversation, labels[log.id])
        elif fields.get("is_correct") is True or fields.get("reward") in (1, 1.0):
            found.succeeded.append(LabelledLog(log.id, data_set, log.conversation, None))
            return
        else:
            found.unlabelled_count += 1
            return
    except ValueError as error:
        found.unread.append((f"{log.file} ({log.id})", str(error)))
        return
    found.failed.append(LabelledLog(log.id, data_set, log.conversation, label))


def _who_and_when_label(conversation: Conversation) -> Label:
    agent, step = (conversation.fields[name] for name in WHO_AND_WHEN_LABEL)
    return _checked(conversation, agent, step, "mistake_step")


def _agentrx_label(conversation: Conversation, label: Mapping[str, Any]) -> Label:
    """The failure that is the root cause. Steps are counted from 1, or have their own `index`."""
    cause = label["root_cause"].get("failure_id")
    for failure in label["failures"]:
        if isinstance(failure, Mapping) and str(failure.get("failure_id")) == str(cause):
            step = failure.get("step_number")
            first = conversation.steps[0].number
            shifted = step - 1 + first if isinstance(step, int) else step
            return _checked(conversation, failure.get("failed_agent"), shifted, "step_number")
    raise ValueError(f"its root cause, failure {cause!r}, is not among its failures")


def _checked(conversation: Conversation, agent: Any, step: Any, name: str) -> Label:
    """A label whose step the log has. Raises `ValueError` if it has not."""
    numbers = {one.number for one in conversation.steps}
    number = int(step) if isinstance(step, int) or str(step).strip().isdecimal() else None
    if number not in numbers:
        raise ValueError(
            f"its {name}, {step!r}, is no step; expected a number from {min(numbers)} to"
            f" {max(numbers)}"
        )
    if not isinstance(agent, str) or not agent.strip():
        raise ValueError(f"the agent of its label is {agent!r}; expected a name")
    return Label(agent.strip(), number)


def _iter_labels(documents: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """The labels in a file of AgentRx."""
    for document in documents:
        for one in document if isinstance(document, list) else [document]:
            if (
                isinstance(one, Mapping)
                and all(name in one for name in AGENTRX_LABEL)
                and isinstance(one["root_cause"], Mapping)
                and isinstance(one["failures"], list)
            ):
                yield one
