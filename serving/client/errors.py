"""What can go wrong between a client and a server."""


class ServingError(Exception):
    """The server refused a request or failed at it, or nobody understands its answer.

    Attributes:
      code: What the server called it: an HTTP status such as "400", or a gRPC one such as "INVALID_ARGUMENT"; empty
        where it gave none.
    """

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code


class Unavailable(ServingError):
    """The server is not there, or not for the moment: the same request may be answered later.

    Attributes:
      retry_after_s: How many seconds to wait at least before it is sent again, where the answer says so; otherwise 0.
    """

    def __init__(self, message: str, code: str = "", retry_after_s: float = 0.0):
        super().__init__(message, code)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(ServingError):
    """The time that a call may take was over before its answer came."""


class TextRefused(ValueError):
    """A text that is not sent: it exceeds a limit, or UTF-8 cannot express it.

    Attributes:
      place: Which text of the call it is, from 0.
      reason: What is wrong with it, as a clause without its subject.
    """

    def __init__(self, place: int, reason: str):
        super().__init__(f"text {place} {reason}")
        self.place = place
        self.reason = reason
