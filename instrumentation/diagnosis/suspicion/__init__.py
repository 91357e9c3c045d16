"""Rank the steps of a failed run by suspicion, where no finding says which one began it."""

from instrumentation.diagnosis.suspicion.suspect import Suspect, rank_suspects

__all__ = ["Suspect", "rank_suspects"]
