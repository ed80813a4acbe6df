"""The first requests of a version, so that those of others need not be slow: TensorFlow plans each signature once."""

import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from serving import messages
from serving.local_server import answers
from serving.local_server.servable import Servable
from serving.local_server.tensors import Limits

REQUESTS = "assets.extra/tf_serving_warmup_requests"
TEXT = b"A masterpiece from its first song to its last."


def warm_up(servable: Servable, folder: pathlib.Path, limits: Limits) -> None:
    """Answers the requests that were exported with a version, or one of each signature where none were.

    Raises:
      Failure: One of them fails, and so would those of others.
    """
    for log in _recorded(folder / REQUESTS):
        if log.HasField("predict_log"):
            answers.predict(servable, log.predict_log.request, limits)
        elif log.HasField("regress_log"):
            answers.regress(servable, log.regress_log.request, limits)
    if not (folder / REQUESTS).exists():
        _made_up(servable)


def _recorded(path: pathlib.Path) -> Iterator[Any]:
    if path.exists():
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            log: Any = messages.PredictionLog()
            log.ParseFromString(record)
            yield log


def _made_up(servable: Servable) -> None:
    example = messages.Example()
    example.features.feature["text"].bytes_list.value.append(TEXT)
    for name in servable.functions:
        signature = servable.signature_defs.signature_def[name]
        text = TEXT if "text" in signature.inputs else example.SerializeToString()
        servable.run(name, {alias: [text] for alias in signature.inputs}, list(signature.outputs))
