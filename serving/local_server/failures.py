"""What a request gets in place of an answer, by the codes that gRPC and TensorFlow Serving share."""

import http

# https://github.com/tensorflow/serving/blob/master/tensorflow_serving/model_servers/http_server.cc
HTTP_STATUSES = {
    "INVALID_ARGUMENT": http.HTTPStatus.BAD_REQUEST,
    "FAILED_PRECONDITION": http.HTTPStatus.BAD_REQUEST,
    "OUT_OF_RANGE": http.HTTPStatus.BAD_REQUEST,
    "NOT_FOUND": http.HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": http.HTTPStatus.TOO_MANY_REQUESTS,
    "UNIMPLEMENTED": http.HTTPStatus.NOT_IMPLEMENTED,
    "UNAVAILABLE": http.HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": http.HTTPStatus.GATEWAY_TIMEOUT,
}
# gRPC sends the message as a header, and those of one answer have to fit into some kilobytes.
MAX_CHARACTERS = 1_000


class Failure(Exception):
    """A request that is not answered.

    Attributes:
      code: The name of a gRPC status.
      message: For whoever has asked, cut where it is long.
    """

    def __init__(self, code: str, message: str):
        self.code = code
        self.message = message if len(message) <= MAX_CHARACTERS else f"{message[:MAX_CHARACTERS]}..."
        super().__init__(self.message)

    @property
    def http_status(self) -> http.HTTPStatus:
        return HTTP_STATUSES.get(self.code, http.HTTPStatus.INTERNAL_SERVER_ERROR)
