"""Starts a model from the weights of an earlier one."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines import exports, storage
from beam_pipelines.flags import UserError, logger
from beam_pipelines.learning.vocabulary import FIRST_ID
from trainer.data import PreparedReviews

# The weights that have a row for each token.
_BY_TOKEN = ("words/vectors", "words/log_weights")
# The pretrained vectors are those of the new data.
_FIXED = "vectors/"


def load(source: str, model: keras.Model, prepared: PreparedReviews) -> None:
    """Sets a model's weights to an earlier one's of the same architecture.

    Args:
      source: An export, found like `--model` of the bulk job: its vocabulary may be another, tokens
        that it lacks keep their start. Or a checkpoint, `.weights.h5`, of the same data.
      model: Untrained.
      prepared: What it will be fitted to.

    Raises:
      UserError: There is no such model, or it is of another architecture.
    """
    if source.endswith(".weights.h5"):
        try:
            model.load_weights(source)
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise UserError(f"--warm_start {source} does not fit this model and these data: {first}") from error
        return
    export = exports.find(source, "warm_start")
    with storage.local_copy(export.path) as folder:
        weights = {path: value.numpy() for path, value in tf.saved_model.load(folder).weights.items()}
        vocabulary = next(pathlib.Path(folder, "assets").glob("*")).read_text(encoding="utf-8")
    rows = _rows(vocabulary.splitlines(), prepared.vocabulary())
    for weight in model.weights:
        if weight.path.startswith(_FIXED):
            continue
        old = weights.get(weight.path)
        if old is None or old.shape[weight.path in _BY_TOKEN :] != tuple(weight.shape)[weight.path in _BY_TOKEN :]:
            raise UserError(
                f"--warm_start {source} has another architecture: {weight.path} is missing or of another shape"
            )
        if weight.path in _BY_TOKEN:
            new = weight.numpy()
            new[rows >= 0] = old[rows[rows >= 0]]
            old = new
        weight.assign(old)
    logger.info("starting from %s; %d of %d tokens were known to it", export.path, (rows >= FIRST_ID).sum(), len(rows))


def _rows(old: list[str], new: list[str]) -> np.ndarray:
    """For each row of the new table the old one's of the same token, or -1."""
    places = {token: place for place, token in enumerate(old, FIRST_ID)}
    return np.array([*range(FIRST_ID), *(places.get(token, -1) for token in new)])
