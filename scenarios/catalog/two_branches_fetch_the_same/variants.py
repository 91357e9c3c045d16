"""The broken verification: each agent makes all of its measurements itself."""

from collections.abc import Hashable

from workflows.graphflow_media import MediaVerification


class SharesNoMeasurements(MediaVerification):
    """The mistake: the key of a measurement contains the agent that asked for it."""

    def measurement_key(self, agent: str, name: str, from_s: float, to_s: float) -> Hashable:
        return agent, name, from_s, to_s
