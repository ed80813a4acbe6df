"""Starts a model from the weights of an earlier one."""

import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.prepared import VOCABULARY
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.text.vocabulary import FIRST_ID
from trainer.architectures.architecture import FROZEN_VECTORS, Architecture
from trainer.architectures.heads import Head
from trainer.prepared_reviews import PreparedReviews

# How the names of checkpoints end.
CHECKPOINT = ".weights.h5"


def check(source: str) -> None:
    """Looks for an earlier model before the work begins; see `load`.

    Raises:
      UserError: There is none.
    """
    if not source.endswith(CHECKPOINT):
        exports.find(source, "--warm_start")
    elif not storage.exists(source):
        raise UserError(f"--warm_start {source} is not there")


def load(source: str, architecture: Architecture, prepared: PreparedReviews, head: Head) -> None:
    """Sets a model's weights to an earlier one's of the same architecture.

    Args:
      source: An export, found like `--model` of the bulk job. Its vocabulary and its score bins may be
        others: tokens that it lacks keep their start, and a bin takes over the nearest one. Or a
        checkpoint, `.weights.h5`, of the same data.
      architecture: Untrained.
      prepared: What it will be fitted to.
      head: The model's.

    Raises:
      UserError: There is no such model, or it is of another architecture.
    """
    if source.endswith(CHECKPOINT):
        _load_checkpoint(source, architecture.model)
        return
    export = exports.find(source, "--warm_start")
    with storage.local_copy(export.path) as folder:
        old = {path: value.numpy() for path, value in tf.saved_model.load(folder).weights.items()}
        vocabulary = pathlib.Path(folder, VOCABULARY).read_text(encoding="utf-8").splitlines()
    old_ids = _old_ids(vocabulary, prepared.vocabulary())
    # Heads without bins have no points, and their architectures no weights by output.
    old_points, points = (np.array(about.get("points", [])) for about in (export.info.head, head.about()))
    for weight in architecture.model.weights:
        if weight.path == FROZEN_VECTORS:
            # They are those of the new data, and an export may lack the old ones.
            continue
        value = old.get(weight.path)
        if value is not None and weight.path in architecture.BY_TOKEN:
            value = _carry_rows(weight.numpy(), value, old_ids, len(vocabulary) + FIRST_ID)
        if value is not None and weight.path in architecture.BY_OUTPUT:
            value = value[..., np.abs(points[:, np.newaxis] - old_points).argmin(axis=1)]
        if value is None or value.shape != tuple(weight.shape):
            difference = f"{weight.path} is missing or differs in size"
            raise UserError(f"--warm_start {source} has another architecture: {difference}")
        weight.assign(value)
    known = (old_ids >= FIRST_ID).sum()
    logger.info("starting from %s; it knows %d of %d tokens", export.path, known, len(old_ids) - FIRST_ID)


def _load_checkpoint(source: str, model: keras.Model) -> None:
    try:
        # Keras reads local files alone.
        with tempfile.TemporaryDirectory() as folder:
            storage.write_bytes(folder, "local.weights.h5", storage.read_bytes(source))
            model.load_weights(f"{folder}/local.weights.h5")
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"--warm_start {source} does not fit this model and these data: {first}") from error


def _old_ids(old: list[str], new: list[str]) -> np.ndarray:
    """Returns for each id of the new vocabulary the old one's of the same token, or -1."""
    ids = {token: token_id for token_id, token in enumerate(old, FIRST_ID)}
    return np.array([*range(FIRST_ID), *(ids.get(token, -1) for token in new)])


def _carry_rows(new: np.ndarray, old: np.ndarray, old_ids: np.ndarray, old_size: int) -> np.ndarray:
    """Fills the rows of tokens that the old vocabulary has.

    Args:
      new: [rows, ...], a row for each of the last ids of the new vocabulary; filled in place.
      old: Likewise, of the old one.
      old_ids: int64 [vocab], of `_old_ids`.
      old_size: How many ids the old vocabulary has.

    Returns:
      `new`.
    """
    rows = old_ids[-len(new) :] - (old_size - len(old))
    known = rows >= 0
    if old.shape[1:] == new.shape[1:]:
        new[known] = old[rows[known]]
    return new
