"""Waits for a server that was lost."""

import threading
import time
from collections.abc import Callable
from typing import Any

from beam_pipelines.errors import UserError, logger
from serving.client import DeadlineExceeded, Unavailable

# Between two looks at a server that is lost.
PAUSE_S = 1.0


class Patience:
    """Asks until a server answers, or has been lost for too long; threads share one, and tell of a loss once.

    Args:
      wait_s: How long it may be lost.
      prove: Looks, before anything else is asked, whether the server that has come back is the same.
    """

    def __init__(self, wait_s: float, prove: Callable[[], None]):
        self._wait_s = wait_s
        self._prove = prove
        self._lock = threading.Lock()
        self._lost_at: float | None = None
        self._ended = threading.Event()

    def ask(self, question: Callable[[], Any]) -> Any:
        """Returns what a question is answered.

        Raises:
          UserError: The server was lost for too long, or has come back as another one; or the waiting was ended.
        """
        was_lost = False
        while True:
            try:
                if was_lost:
                    self._prove()
                answer = question()
                self._answered()
                return answer
            except (Unavailable, DeadlineExceeded) as error:
                self._lost(error)
                was_lost = True
                if self._ended.wait(min(self._pause_s(error), self._wait_s)):
                    raise UserError("the job was interrupted while it waited for the server", status=1) from error

    def end(self) -> None:
        """Ends the waiting of all threads."""
        self._ended.set()

    def _pause_s(self, error: Unavailable | DeadlineExceeded) -> float:
        return max(PAUSE_S, error.retry_after_s) if isinstance(error, Unavailable) else PAUSE_S

    def _lost(self, error: Exception) -> None:
        with self._lock:
            now = time.monotonic()
            if self._lost_at is None:
                self._lost_at = now
                logger.warning("%s; waiting up to %g s for it", error, self._wait_s)
            elif now - self._lost_at >= self._wait_s:
                raise UserError(
                    f"{error}; the job has waited {self._wait_s:g} s for it (--server_wait_s); when the server answers "
                    "again, the same command with --resume and without --overwrite goes on from here",
                    status=1,
                ) from error

    def _answered(self) -> None:
        if self._lost_at is None:
            return
        with self._lock:
            if self._lost_at is not None:
                logger.info("the server answers again, after %.0f s", time.monotonic() - self._lost_at)
            self._lost_at = None
