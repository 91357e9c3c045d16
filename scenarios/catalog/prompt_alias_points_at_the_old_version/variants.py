"""The broken chat: its alias stays where it was set first."""

from workflows.lifecycle.released_chat import ReleasedChat


class MovesTheAliasOnce(ReleasedChat):
    """The mistake: the alias is set when the first version is released, and never moved again."""

    def point_alias(self, version: int) -> None:
        if self.released is None:
            super().point_alias(version)
