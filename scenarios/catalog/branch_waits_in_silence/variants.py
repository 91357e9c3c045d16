"""Two ways to wait for a lookup: with and without an end."""

import asyncio

from workflows.graphflow_media import MediaVerification
from workflows.support.media.tools import MediaTools


class PollsOften(MediaVerification):
    """The lesson, but with short intervals between polls: the tape answers at once."""

    poll_interval_s = 0.01


class ReturnsUnfinishedLookups(MediaVerification):
    """The mistake: when the time is up, the archive's last answer is returned as the result."""

    poll_interval_s = 0.01

    async def archive_matches(self, tools: MediaTools) -> str:
        progress = await tools.lookup.poll()
        await asyncio.sleep(self.poll_interval_s)
        if progress.state != "done":
            progress = await tools.lookup.poll()
        return tools.record_result("archive_matches", progress.model_dump(exclude={"id"}))
