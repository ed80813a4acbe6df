"""Exports a fitted model as a SavedModel: text in, scores out, nothing else needed.

    serving_default  text string [batch] -> score float32 [batch] in the archive's unit,
                     tokens int64 [batch], known_share float32 [batch], truncated bool [batch]
    encode           text string [batch] -> the same but for score, ids int64 [tokens of all],
                     row_lengths int64 [batch]
    score_ids        ids int64 [batch, time], padded with 0 -> score float32 [batch]

The last two are the two halves of the first: a bulk job puts its own batching between them. A CNN
also has a function `fold`, no signature, that returns its folded form: see `trainer.folding`.
"""

import datetime
import hashlib
import os
import pathlib
import shutil
import time

import keras
import tensorflow as tf

from beam_pipelines import job_folder, storage
from beam_pipelines.scale import Scale
from trainer import folding
from trainer.data import PreparedReviews

# What a scorer must get right however it is built; their scores stand in reviews.json.
FIXED_TEXTS = (
    "",
    " \t ",
    "a",
    "An excellent record: every song is better than the last, and the final one is a masterpiece.",
    "A boring, terrible waste of time. I want my money back!",
    "It's neither good nor bad; the middle part drags, but the ending more than makes up for it.",
    "GREAT band, great ALBUM 🤘🔥 <br /><br />10/10",
    "NUL\x00 inside, a 'quoted' word, caf\u00e9 na\u00efve \u0130stanbul \u0416\u0418\u0417\u041d\u042c \u4e16\u754c",
    "x" * 10_000,
    "good " * 6_000,
)


class ReviewScorer(tf.Module):
    """The transform graph and the fitted model in one.

    Args:
      transform_graph: The folder of tf.Transform's SavedModel.
      model: ids int64 [batch, time] -> float32 [batch, 1].
      scale: The range of the scores.
    """

    def __init__(self, transform_graph: pathlib.Path, model: keras.Model, scale: Scale):
        super().__init__()
        self._transform = tf.saved_model.load(str(transform_graph))
        self._model = model
        self._scale = scale
        if model.name == "cnn":
            self.fold = tf.function(lambda: folding.fold(model), input_signature=[])

    def _encode(self, text: tf.Tensor) -> dict:
        encoded = self._transform.transform_fn({"text": text})
        return {
            "ids": encoded["ids"],
            "tokens": encoded["tokens"],
            "known_share": encoded["known_share"],
            "truncated": tf.cast(encoded["truncated"], tf.bool),
        }

    def _score(self, ids: tf.Tensor) -> tf.Tensor:
        share = tf.clip_by_value(self._model(ids, training=False)[:, 0], 0.0, 1.0)
        return tf.clip_by_value(self._scale.from_unit(share), self._scale.low, self._scale.high)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text):
        encoded = self._encode(text)
        # One column at least: an empty batch has no longest review.
        ids = encoded.pop("ids").to_tensor()
        ids = tf.pad(ids, [[0, 0], [0, tf.maximum(1 - tf.shape(ids)[1], 0)]])
        return {"score": self._score(ids), **encoded}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def encode(self, text):
        encoded = self._encode(text)
        ids = encoded.pop("ids")
        return {"ids": ids.flat_values, "row_lengths": ids.row_lengths(), **encoded}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, name="ids")])
    def score_ids(self, ids):
        return {"score": self._score(ids)}


def export(
    versions: pathlib.Path, prepared: PreparedReviews, model: keras.Model, settings: dict, metrics: dict
) -> pathlib.Path:
    """Writes a new version and publishes it by rename.

    Args:
      versions: The folder of versions, such as `trained/export/reviews`.
      prepared: What the model was fitted to.
      model: A float32 model that runs without a GPU.
      settings: The trainer's, for the record.
      metrics: Likewise.

    Returns:
      The folder of the new version; its name, the time in UTC as YYYYMMDDhhmmss, grows.
    """
    aside = versions.parent / storage.TEMPORARY / str(time.time_ns())
    scorer = ReviewScorer(prepared.transform_graph, model, prepared.scale)
    signatures = {"serving_default": scorer.serve, "encode": scorer.encode, "score_ids": scorer.score_ids}
    tf.saved_model.save(scorer, str(aside), signatures=signatures)
    served = tf.saved_model.load(str(aside)).signatures["serving_default"](text=tf.constant(FIXED_TEXTS))
    fixed = {name: values.numpy().tolist() for name, values in served.items()}
    (aside / "assets.extra").mkdir()
    statistics = prepared.statistics
    storage.write_json(
        str(aside),
        "assets.extra/reviews.json",
        {
            "score_column": statistics["settings"]["score_column"] or statistics["settings"]["title_column"],
            "score_min": prepared.scale.low,
            "score_max": prepared.scale.high,
            "max_tokens": statistics["settings"]["max_tokens"],
            "model": settings["model"],
            "training": {name: statistics[name] for name in ("rows", "scores", "tokens_per_review", "vocabulary")},
            "metrics": metrics,
            "preprocess_settings": statistics["settings"],
            "trainer_settings": settings,
            "versions": job_folder.versions(),
            "digests": digests(aside),
            "fixed_texts": [
                {"text": text, **{name: values[row] for name, values in fixed.items()}}
                for row, text in enumerate(FIXED_TEXTS)
            ],
        },
    )
    storage.clear_temporary(str(aside))
    return _publish(aside, versions)


def digests(folder: pathlib.Path) -> dict[str, str]:
    """SHA-256 of every file of a SavedModel but the extra ones."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "assets.extra" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _publish(aside: pathlib.Path, versions: pathlib.Path) -> pathlib.Path:
    versions.mkdir(parents=True, exist_ok=True)
    version = int(datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S"))
    newest = max((int(path.name) for path in versions.iterdir() if path.name.isdecimal()), default=0)
    published = versions / str(max(version, newest + 1))
    os.rename(aside, published)
    shutil.rmtree(aside.parent, ignore_errors=True)
    return published
