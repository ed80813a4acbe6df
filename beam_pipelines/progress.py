"""A line now and then, so that long work is seen to go on."""

import time

from beam_pipelines.flags import logger

SECONDS = 10


class Progress:
    """Counts rows in one worker and logs how many are done, at most every ten seconds.

    Args:
      verb: What happens to them, such as "scored".
    """

    def __init__(self, verb: str):
        self._verb = verb
        self._rows = 0
        self._started = time.monotonic()
        self._next = self._started + SECONDS

    def add(self, rows: int) -> None:
        """Counts rows that are done."""
        self._rows += rows
        now = time.monotonic()
        if now >= self._next:
            rate = self._rows / (now - self._started)
            logger.info("%s %s rows, %s a second", self._verb, f"{self._rows:,}", f"{rate:,.0f}")
            self._next = now + SECONDS
