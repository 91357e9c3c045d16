"""A memory: what was said in a session until now, read back from its traces."""

import mlflow

from instrumentation.trace import trace as traces
from instrumentation.trace.lookup import session_filter
from instrumentation.trace.span import Span
from workflows.chat_answer import Answer
from workflows.chat_history import Conversation


def load_conversation(session: str, user: str | None) -> Conversation:
    """The conversation of this session, without the turns that came to no answer.

    It is looked for in the experiment that is active, and empty where none is found. A trace of
    another program that bears the session is passed over.
    """
    stored = mlflow.search_traces(filter_string=session_filter(session), return_type="list")
    spanned = [trace.to_dict() for trace in stored if trace.data.spans]
    roots = (root for trace in spanned for root in traces.trace_from_mlflow([trace]).roots)
    conversation = Conversation(session, user)
    for root in sorted(roots, key=lambda root: root.start_ns):
        conversation = _add_turn(root, conversation)
    return conversation


def _add_turn(turn: Span, conversation: Conversation) -> Conversation:
    match turn.inputs, turn.outputs, turn.attributes.get("flight_recorder.workflow.outcome"):
        case (
            {"messages": [{"content": str(said)}]},
            {"messages": [{"content": str(text)}]},
            "answered" | "refused" as outcome,
        ) if turn.name == "turn" and not turn.failed:
            return conversation.after(said, Answer(outcome, text))
    return conversation
