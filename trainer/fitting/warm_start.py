"""Starts a model from the weights of an earlier one."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.text.vocabulary import FIRST_ID
from trainer.data import PreparedReviews

_BY_TOKEN = ("words/vectors", "words/log_weights", "vectors/learned")
_BY_OUTPUT = ("words_logits/kernel", "words_logits/bias", "frozen_logits/kernel")
# The pretrained vectors are those of the new data.
_FIXED = "vectors/frozen"


def load(source: str, model: keras.Model, prepared: PreparedReviews, head) -> None:
    """Sets a model's weights to an earlier one's of the same architecture.

    Args:
      source: An export, found like `--model` of the bulk job. Its vocabulary and its score bins may be
        others: tokens that it lacks keep their start, and a bin takes over the nearest one. Or a
        checkpoint, `.weights.h5`, of the same data.
      model: Untrained.
      prepared: What it will be fitted to.
      head: The model's.

    Raises:
      UserError: There is no such model, or it is of another architecture.
    """
    if source.endswith(".weights.h5"):
        try:
            with tempfile.TemporaryDirectory() as folder:
                storage.write_bytes(folder, "local.weights.h5", storage.read_bytes(source))
                model.load_weights(f"{folder}/local.weights.h5")
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise UserError(f"--warm_start {source} does not fit this model and these data: {first}") from error
        return
    export = exports.find(source, "--warm_start")
    with storage.local_copy(export.path) as folder:
        old = {path: value.numpy() for path, value in tf.saved_model.load(folder).weights.items()}
        vocabulary = next(pathlib.Path(folder, "assets").glob("*")).read_text(encoding="utf-8").splitlines()
    rows = _rows(vocabulary, prepared.vocabulary())
    points = export.info.head.get("points"), head.about().get("points")
    for weight in model.weights:
        if weight.path == _FIXED:
            continue
        value = old.get(weight.path)
        if value is not None and weight.path in _BY_TOKEN:
            value = _by_token(weight.numpy(), value, rows, len(vocabulary) + FIRST_ID)
        if value is not None and weight.path in _BY_OUTPUT:
            value = value[..., np.abs(np.subtract.outer(points[1], points[0])).argmin(axis=1)]
        if value is None or value.shape != tuple(weight.shape):
            told = f"{weight.path} is missing or differs in size"
            raise UserError(f"--warm_start {source} has another architecture: {told}")
        weight.assign(value)
    known = (rows >= FIRST_ID).sum()
    logger.info("starting from %s; it knows %d of %d tokens", export.path, known, len(rows) - FIRST_ID)


def _rows(old: list[str], new: list[str]) -> np.ndarray:
    """For each id of the new vocabulary the old one's of the same token, or -1."""
    places = {token: place for place, token in enumerate(old, FIRST_ID)}
    return np.array([*range(FIRST_ID), *(places.get(token, -1) for token in new)])


def _by_token(new: np.ndarray, old: np.ndarray, rows: np.ndarray, old_ids: int) -> np.ndarray:
    """The new table with the old one's rows of the same tokens; a table may hold the last ids only."""
    places = rows[-len(new) :] - (old_ids - len(old))
    known = places >= 0
    if old.shape[1:] == new.shape[1:]:
        new[known] = old[places[known]]
    return new
