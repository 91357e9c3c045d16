"""Add to a client's result the parts of a reply that the client leaves out."""

from collections.abc import Mapping
from typing import Any

from patches.openai.reply_parsing import ParsedReply, as_mapping


def add_unread_parts(outputs: Any, reply: ParsedReply) -> Any:
    """Return a client's result with the parts of the reply that the client leaves out.

    Such as a refusal, log probabilities, or further choices. A result that is not in the format of
    a chat completion is returned unchanged.
    """
    sent = (reply.outputs or {}).get("choices") or _to_choices(reply)
    known = outputs.get("choices") if isinstance(outputs, Mapping) else None
    if not sent or not known:
        return outputs
    choices = [
        _add_missing(choice, sent_choice)
        | {"message": _add_missing(choice.get("message"), sent_choice.get("message"))}
        for choice, sent_choice in zip(known, map(as_mapping, sent), strict=False)
    ]
    return {**outputs, "choices": [*choices, *sent[len(known) :]]}


def _add_missing(known: Any, sent: Any) -> dict[str, Any]:
    """Add what `known` has under no name, such as reasoning, which clients rename."""
    kept = as_mapping(known)
    values = list(kept.values())
    missing = {
        key: value
        for key, value in as_mapping(sent).items()
        if value and kept.get(key) is None and value not in values
    }
    return {**kept, **missing}


def _to_choices(reply: ParsedReply) -> list[Mapping[str, Any]]:
    """Return the refusal and the reasoning of a response as a choice; [] if it has no output."""
    items = [*map(as_mapping, (reply.outputs or {}).get("output", ()))]
    parts = [
        as_mapping(part)
        for item in items
        for part in (*(item.get("content") or ()), *(item.get("summary") or ()))
    ]
    texts = {
        "refusal": "".join(str(part.get("refusal") or "") for part in parts),
        "reasoning": "\n".join(
            str(part.get("text")) for part in parts if part.get("type") == "summary_text"
        ),
    }
    message = {key: text for key, text in texts.items() if text}
    choice = {"finish_reason": next(iter(reply.finish_reasons), None), "message": message}
    return [choice] if items else []
