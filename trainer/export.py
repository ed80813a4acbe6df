"""Exports a fitted model as a SavedModel: text in, scores out, nothing else needed.

    serving_default  text string [batch] -> score, score_low, score_high float32 [batch] in the
                     archive's unit, tokens int64 [batch], known_share float32 [batch], truncated bool [batch]
    explain          text string [batch] -> phrases string [batch, phrases], points float32 [batch, phrases] in
                     the archive's unit, explained_score float32 [batch] and, where the parts of the phrases add up to
                     it, explained_rest
    encode           text string [batch] -> tokens, known_share, truncated, ids int64 [tokens of all],
                     row_lengths int64 [batch], unknown string [unknown tokens of all]
    score_ids        ids int64 [batch, time], padded with 0 -> score, score_low, score_high

The last two are the two halves of the first: a bulk job puts its own batching between them. An architecture with a
folded form also exports two functions, which are no signatures: `fold` returns that form, as named arrays, and
`finish` makes scores of what is pooled of it, `score`, `score_low` and `score_high`.
"""

import datetime
import hashlib
import os
import pathlib
import time

import tensorflow as tf

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import ExportInfo, FixedText, Interval, Verdict
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.commands import job_folder
from beam_pipelines.files import leases, storage
from trainer import explanation
from trainer.architectures.architecture import Architecture, pad
from trainer.architectures.heads import Head
from trainer.architectures.interval_reach import IntervalReach
from trainer.prepared_reviews import PreparedReviews

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
    "I didn\u2019t like it\u2014isn\u2018t \u201cgood\u201d\u2026 ok\U0001f600 \U0001f44d\U0001f3fd\uff01\u2764\ufe0f",
    "no\u00a0break,\u3000wide, so\u00adft, zero\u200b width?! \u00a1ol\u00e9! \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
    "x" * 10_000,
    "good " * 6_000,
)


class ReviewScorer(tf.Module):
    """The transform graph and the fitted model in one.

    Args:
      transform_graph: The folder of tf.Transform's SavedModel.
      architecture: The fitted model.
      head: What reads its outputs.
      reach: Of the interval.
      scale: The range of the scores.
      rule: Of the graph's tokeniser.
    """

    def __init__(
        self,
        transform_graph: pathlib.Path,
        architecture: Architecture,
        head: Head,
        reach: IntervalReach,
        scale: Scale,
        rule: Tokenizer,
    ):
        super().__init__()
        self._transform = tf.saved_model.load(str(transform_graph))
        # TensorFlow does not look into it: an export would hold all the weights of a Keras model once more.
        self._architecture = architecture
        self._head = head
        self._reach = reach
        self._scale = scale
        self._rule = rule
        self._tables = architecture.tables
        # By path, for `trainer.fitting.warm_start`.
        self.weights = {
            weight.path: weight.value
            for weight in architecture.model.weights
            if weight.path not in architecture.replaced_weights
        }
        fold = tf.function(architecture.fold, input_signature=[])
        if fold.get_concrete_function().structured_outputs is not None:
            pooled = [tf.TensorSpec([None, None], tf.float32)] * len(architecture.pooled)
            self.fold, self.finish = fold, tf.function(self._finish, input_signature=pooled)

    def _finish(self, *pooled: tf.Tensor) -> dict:
        return self._read(self._architecture.read_out(*pooled))

    def _encode(self, text: tf.Tensor) -> dict:
        encoded = self._transform.transform_fn({"text": text})
        return {
            "ids": encoded["ids"],
            "tokens": encoded["tokens"],
            "known_share": encoded["known_share"],
            "truncated": tf.cast(encoded["truncated"], tf.bool),
            "unknown": encoded["unknown"],
        }

    def _read(self, outputs: tf.Tensor) -> dict:
        reach = self._reach.at(self._head.position(outputs))
        shares = tf.stack([self._head.score(outputs), *self._head.bounds(outputs, reach)])
        scores = tf.clip_by_value(self._scale.from_unit(shares), self._scale.low, self._scale.high)
        return dict(zip(exports.SCORES, tf.unstack(scores), strict=True))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text):
        encoded = self._encode(text)
        ids = encoded.pop("ids")
        del encoded["unknown"]
        return {**self._read(self._architecture.outputs(ids)), **encoded}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def encode(self, text):
        encoded = self._encode(text)
        ids, unknown = encoded.pop("ids"), encoded.pop("unknown")
        flat = {"ids": ids.flat_values, "row_lengths": ids.row_lengths(), "unknown": unknown.flat_values}
        return {**flat, **encoded}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, name="ids")])
    def score_ids(self, ids):
        return self._read(self._architecture.outputs_of_padded(ids))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def explain(self, text):
        encoded = self._encode(text)
        ids = encoded["ids"]
        # A text without tokens is encoded as an unknown one, which is no phrase.
        lengths = tf.minimum(ids.row_lengths(), encoded["tokens"])
        words = explanation.words(text, tf.shape(pad(ids))[1], self._rule)
        contributions = self._architecture.contributions(ids)
        if contributions is None:
            starts, sizes = explanation.cover(lengths, words.joined)
            outputs, without = self._architecture.outputs_and_without(ids, starts, sizes)
            # Not the score: that is a median, which on a scale of few values no single phrase may move.
            share = self._head.explained(outputs)
            shares = self._head.explained(tf.reshape(without, [-1, self._head.outputs]))
            points = share[:, tf.newaxis] - tf.reshape(shares, tf.shape(starts))
            phrases = explanation.greatest(points, starts, sizes)
            scores = {"explained_score": self._scale.from_unit(share)}
        else:
            parts, constants = contributions
            outputs = constants + tf.reduce_sum(parts, axis=1)
            points = tf.einsum("bto,bo->bt", parts, self._head.slopes(outputs, constants))
            phrases = explanation.strongest(points, lengths, words.joined)
            explained = self._head.explained(outputs)
            rest = self._scale.from_unit(explained - tf.reduce_sum(phrases.points, axis=1))
            scores = {"explained_score": self._scale.from_unit(explained), "explained_rest": rest}
        cut_out = explanation.cut_out(text, words, phrases)
        return {"phrases": cut_out, "points": phrases.points * self._scale.span, **scores}


def export(
    versions: pathlib.Path,
    prepared: PreparedReviews,
    scorer: ReviewScorer,
    *,
    model: str,
    metrics: dict,
    trainer_settings: dict,
    interval: Interval,
    head: Head,
    verdict: Verdict | None,
) -> pathlib.Path:
    """Writes a new version and publishes it by rename.

    Args:
      versions: The folder of versions, such as `trained/export/reviews`.
      prepared: What the model was fitted to.
      scorer: Of a float32 model that runs without a GPU.
      model: The name of its architecture, for `reviews.json`; so are all that follow.
      metrics: By split.
      trainer_settings: Of the command.
      interval: Of the scores.
      head: What reads the model's outputs.
      verdict: What the model is worth.

    Returns:
      The folder of the new version; its name, the time in UTC as YYYYMMDDhhmmss, grows.
    """
    # A server that watches the folder of versions must not see one that is half written.
    aside = pathlib.Path(storage.temporary_folder(str(versions.parent)), str(time.time_ns()))
    functions = scorer.serve, scorer.explain, scorer.encode, scorer.score_ids
    tf.saved_model.save(scorer, str(aside), signatures=dict(zip(exports.SIGNATURES, functions, strict=True)))
    statistics = prepared.statistics
    info = ExportInfo(
        score_column=statistics.settings["score_column"] or statistics.settings["title_column"],
        score_min=prepared.scale.low,
        score_max=prepared.scale.high,
        max_tokens=statistics.settings["max_tokens"],
        training=statistics.training,
        preprocess_settings=statistics.settings,
        model=model,
        metrics=metrics,
        trainer_settings=trainer_settings,
        interval=interval,
        head=head.about(),
        versions=job_folder.versions(),
        digests=digests(aside),
        fixed_texts=_served_texts(aside),
        verdict=verdict,
        tokenizer=prepared.rule,
    )
    (aside / exports.INFO).parent.mkdir()
    storage.write_json(str(aside), exports.INFO, info.to_json())
    leases.clear_temporary(str(aside))
    return _publish(aside, versions)


def _served_texts(folder: pathlib.Path) -> list[FixedText]:
    """Serves the fixed texts from what was written, as whoever checks it later will."""
    served = tf.saved_model.load(str(folder)).signatures["serving_default"](text=tf.constant(FIXED_TEXTS))
    columns = {name: values.numpy().tolist() for name, values in served.items()}
    return [
        FixedText(text=text, **{name: values[row] for name, values in columns.items()})
        for row, text in enumerate(FIXED_TEXTS)
    ]


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Computes the SHA-256 of every file of a SavedModel."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _publish(aside: pathlib.Path, versions: pathlib.Path) -> pathlib.Path:
    """Renames a whole version into its place, where it will be after a power cut."""
    storage.sync_tree(aside)
    storage.make_folder(versions)
    # A server takes the greatest number for the newest, so numbers must grow even if the clock was set back.
    version = int(datetime.datetime.now(datetime.UTC).strftime("%Y%m%d%H%M%S"))
    newest = max((int(path.name) for path in versions.iterdir() if path.name.isdecimal()), default=0)
    published = versions / str(max(version, newest + 1))
    os.rename(aside, published)
    storage.sync_folder(versions)
    leases.clear_temporary(str(versions.parent))
    return published
