"""How long a call may take, and when it is tried again."""

import random
import time

from serving.client.errors import DeadlineExceeded, Unavailable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
# A week: the system's own timeouts overflow at 24 days.
LONGEST_WAIT_S = 7 * 24 * 3600.0


def check_seconds(name: str, seconds: float) -> None:
    """Looks whether a time can be waited for.

    Raises:
      ValueError: It is not above 0, not a number, or longer than a week; the message begins with the name.
    """
    if not 0 < seconds <= LONGEST_WAIT_S:
        raise ValueError(f"{name} is {seconds:g}; it must be above 0 s, and at most {LONGEST_WAIT_S:.0f} s, a week")


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

    def next_pause_s(self, error: Unavailable) -> float:
        """Returns how long to wait before the next attempt: twice as long each time, up to a half less by chance.

        It is no less than the server asks for.

        Raises:
          Unavailable: That error, if no attempt is left or no time for it.
        """
        pause = max(self._pause_s * random.uniform(0.5, 1), error.retry_after_s)
        if self._left < 1 or pause >= self.deadline.left_s():
            raise error
        self._left -= 1
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause
