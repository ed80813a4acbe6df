"""The model as TensorFlow Serving runs it: text in, scores out, nothing else needed.

Signatures, of which a server lists these. All outputs are [batch], but for five of `explain`; a batch may be empty.

    serving_default  text string [batch] -> score, score_low, score_high float32 in the archive's unit, tokens int64,
                     known_share float32, truncated bool; score_min and score_max float32, the ends of the scale;
                     model_version int64
    explain          text string [batch] -> all of these and phrases string [batch, phrases], valid UTF-8 and empty
                     where there is none, phrase_starts int64 [batch, phrases], the offset of each in bytes of the
                     text, -1 where there is none, points float32 [batch, phrases] in the archive's unit,
                     explained_score float32 and, where the parts of the phrases add up to it, explained_rest; where
                     the head has a distribution, values float32 in the archive's unit and probabilities float32,
                     [batch, values] both
    examples         examples string [batch], each a tf.Example with the bytes feature `text` -> as serving_default
    regress          inputs string [batch], likewise -> outputs float32, the scores: what Regress and :regress answer

Functions, for a bulk job, which puts its own batching between the two halves of a score:

    encode           text string [batch] -> tokens, known_share, truncated, ids int64 [tokens of all],
                     row_lengths int64 [batch], unknown string [unknown tokens of all]
    score_ids        ids int64 [batch, time], padded with 0 -> score, score_low, score_high

An architecture with a folded form has two more: `fold` returns that form, as named arrays, and `finish` makes scores of
what is pooled of it, `score`, `score_low` and `score_high`.
"""

import tensorflow as tf

from beam_pipelines.artifacts import exports
from trainer import explanation, row_slices
from trainer.architectures.architecture import Architecture, pad
from trainer.architectures.heads import Head
from trainer.architectures.interval_reach import IntervalReach
from trainer.prepared_reviews import PreparedReviews

_TEXTS, _EXAMPLES, _INPUTS = (
    tf.TensorSpec([None], tf.string, name=exports.INPUTS[signature])
    for signature in (exports.SCORE, exports.EXAMPLES, exports.REGRESS)
)


class ReviewScorer(tf.Module):
    """The transform graph and the fitted model in one.

    Args:
      prepared: What the model was fitted to: the graph that encodes texts, its tokeniser, the scale of the scores.
      architecture: The fitted model.
      head: What reads its outputs.
      reach: Of the interval.
      version: The number that the export will have.
    """

    def __init__(
        self,
        prepared: PreparedReviews,
        architecture: Architecture,
        head: Head,
        reach: IntervalReach,
        version: int,
    ):
        super().__init__()
        self._transform = tf.saved_model.load(str(prepared.transform_graph))
        # TensorFlow does not look into it: an export would hold all the weights of a Keras model once more.
        self._architecture = architecture
        self._head = head
        self._reach = reach
        self._scale = prepared.scale
        self._rule = prepared.rule
        self._max_tokens = prepared.statistics.settings["max_tokens"]
        self.version = version
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

    def _distribution(self, outputs: tf.Tensor) -> dict:
        """How likely which score is, where the head knows."""
        distribution = self._head.distribution(outputs)
        if distribution is None:
            return {}
        values, probabilities = distribution
        values = self._scale.from_unit(tf.constant(values))
        return {"values": tf.ones_like(probabilities) * values, "probabilities": probabilities}

    def _answer(self, outputs: tf.Tensor, encoded: dict) -> dict:
        """What every signature says of texts, given the model's outputs."""
        batch = tf.shape(encoded["tokens"])
        return {
            **self._read(outputs),
            **{name: encoded[name] for name in exports.EXACT_RESULTS},
            "score_min": tf.fill(batch, tf.constant(self._scale.low, tf.float32)),
            "score_max": tf.fill(batch, tf.constant(self._scale.high, tf.float32)),
            "model_version": tf.fill(batch, tf.constant(self.version, tf.int64)),
        }

    @tf.function(input_signature=[_TEXTS])
    def serve(self, text):
        return row_slices.answer(self._serve, text, self._max_tokens)

    @tf.function(input_signature=[_TEXTS])
    def _serve(self, text):
        encoded = self._encode(text)
        return self._answer(self._architecture.outputs(encoded["ids"]), encoded)

    @tf.function(input_signature=[_EXAMPLES])
    def serve_examples(self, examples):
        return self.serve(_texts(examples))

    @tf.function(input_signature=[_INPUTS])
    def regress(self, inputs):
        return {"outputs": self.serve(_texts(inputs))["score"]}

    @tf.function(input_signature=[_TEXTS])
    def encode(self, text):
        encoded = self._encode(text)
        ids, unknown = encoded.pop("ids"), encoded.pop("unknown")
        flat = {"ids": ids.flat_values, "row_lengths": ids.row_lengths(), "unknown": unknown.flat_values}
        return {**flat, **encoded}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, name="ids")])
    def score_ids(self, ids):
        return self._read(self._architecture.outputs_of_padded(ids))

    @tf.function(input_signature=[_TEXTS])
    def explain(self, text):
        return row_slices.answer(self._explain, text, self._max_tokens)

    @tf.function(input_signature=[_TEXTS])
    def _explain(self, text):
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
        cut, starts = explanation.cut_out(text, words, phrases)
        return {
            **self._answer(outputs, encoded),
            "phrases": cut,
            "phrase_starts": starts,
            "points": phrases.points * self._scale.span,
            **self._distribution(outputs),
            **scores,
        }


def _texts(examples: tf.Tensor) -> tf.Tensor:
    """Reads the texts, string [batch], of serialised tf.Examples, string [batch]."""
    return tf.io.parse_example(examples, {exports.TEXT: tf.io.FixedLenFeature([], tf.string)})[exports.TEXT]
