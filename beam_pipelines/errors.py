"""What every part tells a person: an error that can be mended, and a line in the log."""

import logging

logger = logging.getLogger("review_scorer")


class UserError(Exception):
    """Something that the person at the command line can mend; its text says how.

    Attributes:
      status: The exit status that it ends the command with.
    """

    def __init__(self, message: str, status: int = 2):
        super().__init__(message)
        self.status = status
