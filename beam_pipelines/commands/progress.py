"""Shows that long work goes on: a line that stays in its place on a terminal, one now and then in a log."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from beam_pipelines.errors import logger

SECONDS = 30
# Looking may take at most this share of the time: an object store answers slowly.
LOOKING_SHARE = 0.05
# After so long without anything new, and each time again, whoever waits is told.
STALL_SECONDS = 600


class Progress:
    """Counts rows in one worker and logs how many are done, at most every thirty seconds.

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


class FinishedWork(Protocol):
    """What the line needs of a block that is done."""

    @property
    def rows(self) -> int: ...

    @property
    def rejected(self) -> int: ...

    @property
    def stored_bytes(self) -> int: ...


class StallWatch:
    """Notices that nothing has come for some time, which no runner tells by itself.

    Args:
      where_to_look: What a person looks at then; the end of a sentence.
    """

    def __init__(self, where_to_look: str):
        self._where = where_to_look
        self._restart()

    def _restart(self):
        self._since = time.monotonic()
        self._next = self._since + STALL_SECONDS

    def line(self, has_come: bool) -> str:
        """What is told after a look, which has found something new or has not; mostly nothing."""
        now = time.monotonic()
        if has_come:
            self._restart()
        if now < self._next:
            return ""
        self._next += STALL_SECONDS
        return f"nothing has been finished for {duration(now - self._since)}; look at {self._where}"


class Monitor:
    """Tells how far a job is, by the blocks that it has finished; so it works with every runner.

    A context manager: it tells as long as the job within runs.

    Args:
      look: Returns the blocks that were finished since the last call, by name.
      size_bytes: The size of the archive.
      done: The blocks that an earlier attempt finished.
      stream: Where a terminal is looked for.
      where_to_look: What a person looks at where nothing is finished for long; without it nobody is told.
    """

    def __init__(
        self,
        look: Callable[[], Mapping[str, FinishedWork]],
        size_bytes: int,
        done: Iterable[FinishedWork] = (),
        stream=None,
        where_to_look: str = "",
    ):
        self._look = look
        self._stall = StallWatch(where_to_look) if where_to_look else None
        self._size = max(size_bytes, 1)
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._rows = self._rejected = self._bytes = 0
        self._add(done)
        self._earlier = self._rows, self._bytes
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self._clear()

    def _clear(self):
        if self._live:
            self._stream.write("\r\033[K")

    def _run(self):
        pause: float = 1 if self._live else SECONDS
        while not self._ended.wait(pause):
            before = time.monotonic()
            finished = self._look()
            self._add(finished.values())
            self._tell(self.line(before - self._started))
            if self._stall and (stalled := self._stall.line(bool(finished))):
                self._clear()
                logger.warning("%s", stalled)
            pause = max(1 if self._live else SECONDS, (time.monotonic() - before) / LOOKING_SHARE)

    def _add(self, blocks: Iterable[FinishedWork]) -> None:
        for block in blocks:
            self._rows += block.rows
            self._rejected += block.rejected
            self._bytes += block.stored_bytes

    def _tell(self, line: str) -> None:
        if self._live:
            self._stream.write(f"\r\033[K{line}")
            self._stream.flush()
        else:
            logger.info("%s", line)

    def line(self, seconds: float) -> str:
        """What is told after so many seconds."""
        rows, done = self._rows - self._earlier[0], self._bytes - self._earlier[1]
        share = min(self._bytes / self._size, 1)
        left = duration((self._size - self._bytes) * seconds / done) if done > 0 else "?"
        return (
            f"{self._rows:,} rows done, {self._rejected:,} of them rejected; {rows / max(seconds, 1e-9):,.0f} rows/s, "
            f"{share:.0%} of the archive, {left} left"
        )


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(42), duration(130), duration(7500)
    ('42 s', '2 min 10 s', '2 h 05 min')
    """
    minutes, rest = divmod(max(round(seconds), 0), 60)
    if minutes < 1:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
