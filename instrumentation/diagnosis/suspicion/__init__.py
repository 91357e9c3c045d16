"""Rank the steps of a failed run by suspicion, for runs in which no detector finds anything."""

from instrumentation.diagnosis.suspicion.suspect import Suspect, rank_suspects

__all__ = ["Suspect", "rank_suspects"]
