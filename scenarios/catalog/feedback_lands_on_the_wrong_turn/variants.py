"""The broken rated chat: a late rating is logged on the newest turn."""

from workflows.lifecycle.rated_chat import RatedChat, Rating
from workflows.support.chat import Conversation


class RatesTheNewestTurn(RatedChat):
    """The mistake: the newest turn is taken for the rated one, as if nobody rated late."""

    def find_rated_turn(self, conversation: Conversation, rating: Rating) -> int:
        return len(conversation.turns) - 1
