"""Rebuild the conversation of a chat session from its stored traces."""

import mlflow

from instrumentation.trace import Span, trace_from_mlflow
from instrumentation.trace.lookup import session_filter
from workflows.chat import Answer, Conversation


def load_conversation(session: str, user: str | None) -> Conversation:
    """The conversation of a session, without the turns that have no answer.

    Reads the active MLflow experiment. The conversation is empty if the session has no traces.
    Traces of other programs with the same session ID are ignored.
    """
    stored = mlflow.search_traces(filter_string=session_filter(session), return_type="list")
    exported = [trace.to_dict() for trace in stored if trace.data.spans]
    roots = (root for trace in exported for root in trace_from_mlflow([trace]).roots)
    conversation = Conversation(session, user)
    for root in sorted(roots, key=lambda root: root.start_ns):
        conversation = _add_turn(root, conversation)
    return conversation


def _add_turn(turn: Span, conversation: Conversation) -> Conversation:
    match turn.inputs, turn.outputs, turn.attributes.get("flight_recorder.workflow.outcome"):
        case (
            {"messages": [{"content": str(message)}]},
            {"messages": [{"content": str(text)}]},
            "answered" | "refused" as outcome,
        ) if turn.name == "turn" and not turn.failed:
            return conversation.with_turn(message, Answer(outcome, text))
    return conversation
