"""What every part tells a person: an error that can be mended, and a line in the log."""

import json
import logging
import re

logger = logging.getLogger("review_scorer")

_MARK = "review_scorer.UserError "
_TRACEBACK = "Traceback (most recent call last)"


class UserError(Exception):
    """Something that the person at the command line can mend; its text says how.

    A runner hands on what a worker raised as the text of its traceback and no more. So the error carries itself
    as a line of JSON in a note, which every traceback prints; `user_error_of` reads it back.

    Attributes:
      status: The exit status that it ends the command with.
    """

    # Beam would raise a new error in its place, with the step's name behind the message (Beam 2.77).
    _tagged_with_step = True

    def __init__(self, message: str, status: int = 2):
        super().__init__(message)
        self.status = status
        self.add_note(_MARK + json.dumps({"message": message, "status": status}))


class JobError(Exception):
    """What ended a job and is no fault of the command line, in a sentence: a worker that was killed, a lost cluster."""


def user_error_of(traceback_text: str) -> UserError | None:
    """The UserError that a traceback ends with; None where it tells of none.

    >>> import traceback
    >>> user_error_of("".join(traceback.format_exception(UserError("no such file", status=3)))).status
    3
    """
    # A traceback shows first what was being handled, then what was raised and not caught: the last error counts.
    *_, last = traceback_text.split(_TRACEBACK)
    marked = re.findall(rf"^{re.escape(_MARK)}(\{{.*\}})$", last, re.MULTILINE)
    try:
        return UserError(**json.loads(marked[-1])) if marked else None
    except (ValueError, TypeError):
        return None  # Some other program's line.
