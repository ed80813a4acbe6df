"""How long a call may take, and when it is tried again."""

import random
import time

from serving.client.errors import DeadlineExceeded, Unavailable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Deadline:
    """The end of the time that a call may take.

    Args:
      timeout_s: From now on.
      server: For the message.
    """

    def __init__(self, timeout_s: float, server: str):
        self._timeout_s = timeout_s
        self._server = server
        self._end = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Returns the seconds that are left.

        Raises:
          DeadlineExceeded: There are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.exceeded()
        return left

    def exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._server} has not answered within {self._timeout_s:g} s", "DEADLINE_EXCEEDED")


class Attempts:
    """The attempts at one request.

    Args:
      deadline: No pause goes beyond it.
      retries: How often the request may be sent again.
    """

    def __init__(self, deadline: Deadline, retries: int):
        self.deadline = deadline
        self._left = retries
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, error: Unavailable) -> float:
        """Returns how long to wait before the next attempt: twice as long each time, up to a half less by chance.

        Raises:
          Unavailable: That error, if no attempt is left or no time for it.
        """
        pause = self._pause_s * random.uniform(0.5, 1)
        if self._left < 1 or pause >= self.deadline.left_s():
            raise error
        self._left -= 1
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause
