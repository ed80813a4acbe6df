"""gRPC as TensorFlow Serving answers it: Predict, Regress, GetModelMetadata and GetModelStatus."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from beam_pipelines.errors import logger
from serving import messages
from serving.local_server.failures import Failure
from serving.local_server.model_api import ModelApi
from serving.local_server.workers import Workers


def server(model: ModelApi, workers: Workers) -> grpc.aio.Server:
    """Makes a server that neither listens nor runs yet.

    Args:
      model: What answers. A message larger than its limits allow is RESOURCE_EXHAUSTED.
      workers: Where it does so.
    """
    options = [
        ("grpc.max_receive_message_length", model.limits.request_bytes),
        # Two servers at one port would each get half of the requests, and neither would tell.
        ("grpc.so_reuseport", 0),
    ]
    made = grpc.aio.server(options=options)
    prediction = {
        "Predict": _handler(workers, messages.PredictRequest, model.predict),
        "Regress": _handler(workers, messages.RegressionRequest, model.regress),
        "GetModelMetadata": _handler(None, messages.GetModelMetadataRequest, model.metadata),
    }
    status = {"GetModelStatus": _handler(None, messages.GetModelStatusRequest, model.status)}
    made.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(messages.PREDICTION_SERVICE, prediction),
            grpc.method_handlers_generic_handler(messages.MODEL_SERVICE, status),
        )
    )
    return made


def _handler(workers: Workers | None, message: Any, answer: Callable[[Any], Any]) -> grpc.RpcMethodHandler:
    """Handles a method, in a worker's thread or, where there is none, at once."""

    def answered(request: bytes) -> bytes:
        return answer(_parsed(message, request)).SerializeToString()

    async def handle(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        try:
            return await workers.run(answered, request) if workers else answered(request)
        except Failure as failure:
            await _abort(context, failure)
        except Exception as error:
            logger.exception("a request failed")
            await _abort(context, Failure("INTERNAL", f"{type(error).__name__}: {error}"))
        raise AssertionError  # `abort` raises.

    return grpc.unary_unary_rpc_method_handler(handle)


def _abort(context: grpc.aio.ServicerContext, failure: Failure) -> Awaitable:
    return context.abort(grpc.StatusCode[failure.code], failure.message)


def _parsed(message: Any, request: bytes) -> Any:
    try:
        return message.FromString(request)
    except DecodeError as error:
        raise Failure("INVALID_ARGUMENT", f"the request is no {message.DESCRIPTOR.full_name}") from error
